//! The processes that a command runs in: those of `mpirun`, or one.

use anyhow::Result;
use kbioxlm_train::{Alone, Processes};

/// What launchers tell each process of a job: Open MPI, MPICH and Intel MPI, MVAPICH, and all that use PMIx, as Slurm can.
///
/// MPI could only be asked by starting it, which takes time, shared memory and sockets that a single process can do without.
const SIGNS: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PMIX_RANK"];

/// Joins the processes that `mpirun` has started. Without `--threads` each of them takes its share of the machine's processors.
pub fn join(threads: Option<usize>) -> Result<Box<dyn Processes>> {
    let sign = SIGNS.into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    sign.map_or_else(|| Ok(Box::new(Alone) as Box<dyn Processes>), |sign| join_job(sign, threads))
}

#[cfg(feature = "mpi")]
fn join_job(_: (&str, String), threads: Option<usize>) -> Result<Box<dyn Processes>> {
    let mpi = kbioxlm_train::Mpi::join().ok_or_else(|| anyhow::anyhow!("MPI has been started before"))?;
    let share = mpi.threads();
    if threads.is_none() {
        rayon::ThreadPoolBuilder::new().num_threads(share).build_global()?;
    }
    if mpi.rank() == 0 {
        tracing::info!("processes: {}; threads in the first: {}", mpi.size(), threads.unwrap_or(share));
    }
    Ok(Box::new(mpi))
}

/// Several processes that know nothing of each other would each train the same model.
#[cfg(not(feature = "mpi"))]
fn join_job((name, value): (&str, String), _: Option<usize>) -> Result<Box<dyn Processes>> {
    let alone = name.ends_with("SIZE") && value == "1";
    anyhow::ensure!(
        alone,
        "found a process of an MPI job ({name}={value}), expected one by itself, for which this program was built; build it with \
         `--features mpi`, or start it without a launcher"
    );
    Ok(Box::new(Alone))
}
