//! Training in the processes of `mpirun`: `cargo test --features mpi -p kbioxlm --test mpi`. Without `mpirun` the tests say so and do nothing.
#![cfg(all(unix, feature = "mpi"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: u64 = 40;

fn place() -> Place {
    let place = Place::new();
    place.knowledge();
    place.run("corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --passages en-zh=passages.jsonl --seed 3 --out corpus")
        .ok();
    place.run("corpus build --kb kb --text en=en.jsonl --levels plain --seed 4 --out plain").ok();
    place.model("base");
    place
}

fn line(corpus: &str, out: &str, accumulation: usize) -> String {
    format!(
        "pretrain --model base --corpus {corpus} --out {out} --json --set train.budget={{steps={STEPS}}} --set train.max_length=16 \
         --set train.tokens_per_batch=64 --set train.accumulation={accumulation} --set train.learning_rate=1e-3"
    )
}

/// Starts each of the lines in a process of its own, all in one job; `None` where there is no `mpirun`.
fn start(place: &Place, lines: &[String]) -> Option<Child> {
    let mut command = Command::new("mpirun");
    for (i, line) in lines.iter().enumerate() {
        command.args(if i > 0 { &[":", "-n", "1"][..] } else { &["-n", "1"] });
        command.arg(env!("CARGO_BIN_EXE_kbioxlm")).args(line.split_whitespace());
    }
    // Open MPI's: as root, with more processes than cores, and not bound to any.
    for key in ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"] {
        command.env(key, "1");
    }
    command.env("OMPI_MCA_hwloc_base_binding_policy", "none").current_dir(place.path(""));
    match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => Some(child),
        Err(error) => {
            eprintln!("skipped: mpirun: {error}");
            None
        }
    }
}

fn end(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The id of the process that is `rank` in the job: a child of `mpirun`, whose environment says so.
fn process(mpirun: &Child, rank: usize) -> Option<u32> {
    let children = Command::new("pgrep").args(["-P", &mpirun.id().to_string()]).output().unwrap().stdout;
    let children = String::from_utf8(children).unwrap();
    let is_rank = |pid: &u32| {
        let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|b| *b == 0).any(|entry| entry == wanted.as_bytes())
    };
    children.lines().filter_map(|line| line.parse().ok()).find(is_rank)
}

fn steps(out: &Path) -> usize {
    fs::read_to_string(out.join("metrics.jsonl")).map_or(0, |text| text.matches('\n').count())
}

fn wait_for_steps(child: &mut Child, out: &Path, least: usize) {
    let begin = Instant::now();
    while steps(out) < least && child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(120), "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

/// The lines of metrics.jsonl: loss, norm of the gradient and tokens.
fn metrics(out: &Path) -> Vec<[f64; 3]> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let numbers = |line: Value| ["loss", "grad_norm", "tokens"].map(|key| line[key].as_f64().unwrap());
    text.lines().map(|line| numbers(serde_json::from_str(line).unwrap())).collect()
}

/// Up to the order of additions, which shows in the sixth digit of a loss after some steps.
#[track_caller]
fn assert_close(place: &Place, ours: &str, theirs: &str) {
    let (a, b) = (metrics(&place.path(ours)), metrics(&place.path(theirs)));
    assert_eq!((a.len(), b.len()), (STEPS as usize, STEPS as usize));
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        assert!((a - b).abs() <= 1e-4 * b.abs(), "{a} {b}");
    }
}

#[test]
fn two_processes_are_one_with_twice_the_accumulation() {
    let place = place();
    place.run(&line("corpus", "one", 4)).ok();
    // Each process takes one of the devices.
    let lines = vec![format!("--device cpu,cpu {}", line("corpus", "two", 2)); 2];
    let Some(child) = start(&place, &lines) else { return };
    let (code, stdout, stderr) = end(child);
    assert_eq!(code, Some(0), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(summary["steps"], STEPS);
    assert_eq!(stderr.matches("processes: 2").count(), 1, "the first process alone speaks: {stderr}");
    assert_close(&place, "two", "one");
    let weights = |out: &str| {
        let bytes = fs::read(place.path(out).join("model.safetensors")).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].as_chunks().0.iter().map(|v| f32::from_le_bytes(*v)).collect::<Vec<f32>>()
    };
    let (one, two) = (weights("one"), weights("two"));
    let far = one.iter().zip(&two).filter(|(a, b)| (**a - **b).abs() > 1e-4).count();
    // Those whose gradient is nothing but rounding, as that of the biases of keys, go where they like.
    assert!(one.len() == two.len() && far * 100 < one.len(), "{far} of {} weights are elsewhere", one.len());
}

#[test]
fn a_signal_to_any_process_stops_all_and_the_run_goes_on() {
    let place = place();
    place.run(&line("corpus", "one", 4)).ok();
    let lines = vec![line("corpus", "two", 2); 2];
    let Some(mut child) = start(&place, &lines) else { return };
    wait_for_steps(&mut child, &place.path("two"), 3);
    signal(process(&child, 1).unwrap(), "TERM");
    let (code, stdout, stderr) = end(child);
    assert_eq!(code, Some(130), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    let step = summary["steps"].as_u64().unwrap();
    assert!(summary["interrupted"] == true && step < STEPS, "{summary}");

    // A process that is killed takes the others with it.
    let mut child = start(&place, &lines).unwrap();
    wait_for_steps(&mut child, &place.path("two"), step as usize + 3);
    signal(process(&child, 1).unwrap(), "KILL");
    assert_ne!(end(child).0, Some(0));

    let (code, stdout, stderr) = end(start(&place, &lines).unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&summary["resumed_from"], &summary["steps"]), (&step.into(), &STEPS.into()));
    assert_close(&place, "two", "one");
}

#[test]
fn an_error_in_one_process_ends_all_and_names_it() {
    let place = place();
    let Some(child) = start(&place, &[line("corpus", "out", 1), line("plain", "out", 1)]) else { return };
    let (code, stdout, stderr) = end(child);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert_eq!(stderr.matches("error: process 1 of 2").count(), 1, "{stderr}");
    assert!(stderr.contains("`corpus` is"), "{stderr}");
}
