//! The processes of a job of `mpirun`.

use anyhow::Result;
use burn::tensor::Device;
use kbioxlm_train::Processes;

/// What launchers tell each process of a job: Open MPI, MPICH and Intel MPI, MVAPICH, and all that use PMIx, as Slurm can.
///
/// MPI could only be asked by starting it, which takes time, shared memory and sockets that a single process can do without.
const SIGNS: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PMIX_RANK"];

/// Joins the processes that `mpirun` has started, if it has. Without `--threads` each of them takes its share of the machine's
/// processors; of several devices, those of one machine take one each, in turns.
pub fn join(devices: &[Device], threads: Option<usize>) -> Result<Option<Box<dyn Processes>>> {
    let sign = SIGNS.into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    sign.map_or(Ok(None), |sign| join_job(sign, devices, threads))
}

#[cfg(feature = "mpi")]
fn join_job(_: (&str, String), devices: &[Device], threads: Option<usize>) -> Result<Option<Box<dyn Processes>>> {
    let device = |number: usize| devices.iter().cycle().nth(number).cloned().unwrap_or_else(kbioxlm_model::device);
    let mpi = kbioxlm_train::Mpi::join(device).ok_or_else(|| anyhow::anyhow!("MPI has been started before"))?;
    let share = mpi.threads();
    if threads.is_none() {
        rayon::ThreadPoolBuilder::new().num_threads(share).build_global()?;
    }
    if mpi.rank() == 0 {
        tracing::info!("processes: {}; threads in the first: {}", mpi.size(), threads.unwrap_or(share));
    }
    Ok(Some(Box::new(mpi)))
}

/// Several processes that know nothing of each other would each train the same model.
#[cfg(not(feature = "mpi"))]
fn join_job((name, value): (&str, String), _: &[Device], _: Option<usize>) -> Result<Option<Box<dyn Processes>>> {
    let alone = name.ends_with("SIZE") && value == "1";
    anyhow::ensure!(
        alone,
        "found a process of an MPI job ({name}={value}), expected one by itself, for which this program was built; build it with \
         `--features mpi`, or start it without a launcher"
    );
    Ok(None)
}
