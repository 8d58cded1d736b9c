//! A pretraining run that is killed, told to stop, or out of space goes on to the very files of one that was left alone.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![cfg(unix)]

mod common;

use common::{Outcome, Place};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: u64 = 60;
const SIGKILL: i32 = 9;

/// The run, with checkpoints every `save_every` steps; every setting that its result depends on.
fn line(out: &str, save_every: u64) -> String {
    format!(
        "pretrain --model base --corpus corpus --out {out} --json --set train.budget={{steps={STEPS}}} \
         --set train.max_length=16 --set train.tokens_per_batch=64 --set train.accumulation=2 \
         --set train.learning_rate=1e-3 --set train.save_every={save_every}"
    )
}

fn place() -> Place {
    let place = Place::new();
    place.knowledge();
    place.run("corpus build --kb kb --text en=en.jsonl --text zh=zh.jsonl --passages en-zh=passages.jsonl --seed 3 --out corpus")
        .ok();
    place.model("base");
    place
}

fn start(place: &Place, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kbioxlm"));
    command.current_dir(place.path("")).args(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until `happened`, or until the process has ended.
fn wait_for(child: &mut Child, mut happened: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !happened() && child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(120), "nothing happens");
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

fn end(child: Child) -> (Option<i32>, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Steps in the file, half-written ones not counted.
fn steps(out: &Path) -> usize {
    fs::read_to_string(out.join("metrics.jsonl")).map_or(0, |text| text.matches('\n').count())
}

fn unfinished(out: &Path) -> usize {
    let Ok(entries) = fs::read_dir(out.join("checkpoints")) else { return 0 };
    entries.filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|e| e == "tmp"))).count()
}

/// The lines of metrics.jsonl without what differs between any two runs.
fn metrics(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let line = |line| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        for timing in ["seconds", "tokens_per_second"] {
            assert!(value.as_object_mut().unwrap().remove(timing).is_some());
        }
        value
    };
    text.lines().map(line).collect()
}

#[track_caller]
fn assert_same(place: &Place, ours: &str, theirs: &str) {
    let (a, b) = (place.path(ours), place.path(theirs));
    assert_eq!(metrics(&a), metrics(&b));
    let last = format!("checkpoints/step-{STEPS}");
    let files = ["model.safetensors", "config.json", "tokenizer.json"].map(str::to_owned);
    let trainer = ["model.safetensors", "trainer/optimizer.safetensors"].map(|name| format!("{last}/{name}"));
    for name in files.iter().chain(&trainer) {
        assert!(fs::read(a.join(name)).unwrap() == fs::read(b.join(name)).unwrap(), "{name} differs");
    }
    let position = |dir: &Path| {
        let state = fs::read(dir.join(&last).join("trainer/state.json")).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        (state["position"].clone(), state["updates"].clone())
    };
    assert_eq!(position(&a), position(&b));
}

#[test]
fn a_run_killed_at_any_moment_ends_in_the_very_same_files() {
    let place = place();
    place.run(&line("straight", 3)).ok();
    let line = line("killed", 3);
    let out = place.path("killed");
    let (mut killed, mut while_saving) = (0, 0);
    for attempt in 0..60 {
        let mut child = start(&place, &line);
        match attempt % 3 {
            // While it trains, ...
            0 => {
                let before = steps(&out);
                wait_for(&mut child, || steps(&out) > before + attempt / 2);
            }
            // ... while it writes a checkpoint, ...
            1 => {
                // What the one before left is removed first.
                wait_for(&mut child, || unfinished(&out) == 0);
                let before = steps(&out);
                wait_for(&mut child, || steps(&out) != before && unfinished(&out) > 0);
            }
            // ... and whenever.
            _ => std::thread::sleep(Duration::from_millis(20 + 7 * attempt as u64)),
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(SIGKILL));
        killed += 1;
        while_saving += usize::from(unfinished(&out) > 0);
    }
    assert!(killed >= 3 && while_saving >= 1, "killed {killed} times, {while_saving} times while saving");
    let summary: Value = serde_json::from_str(&place.run(&line).ok()).unwrap();
    assert_eq!((&summary["steps"], &summary["interrupted"]), (&STEPS.into(), &false.into()));
    assert_same(&place, "straight", "killed");
    assert_eq!(unfinished(&out), 0, "what kills left is removed");
}

#[test]
fn sigterm_finishes_the_step_and_saves() {
    let place = place();
    place.run(&line("straight", 1000)).ok();
    let line = line("stopped", 1000);
    let out = place.path("stopped");
    let mut child = start(&place, &line);
    wait_for(&mut child, || steps(&out) >= 3);
    signal(&child, "TERM");
    let (code, stdout, stderr) = end(child);
    assert_eq!(code, Some(130), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    let step = summary["steps"].as_u64().unwrap();
    assert!(summary["interrupted"] == true && (3..STEPS).contains(&step), "{summary}");
    assert!(stderr.contains("finishing this step and saving"), "{stderr}");
    assert!(out.join(format!("checkpoints/step-{step}/trainer/state.json")).exists());
    assert!(!out.join("model.safetensors").exists());
    let summary: Value = serde_json::from_str(&place.run(&line).ok()).unwrap();
    assert_eq!(summary["resumed_from"], step);
    assert_same(&place, "straight", "stopped");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let place = place();
    let out = place.path("out");
    let mut child = start(&place, &line("out", 1000));
    wait_for(&mut child, || steps(&out) >= 2);
    // Both arrive together, before the step could be finished.
    signal(&child, "STOP");
    signal(&child, "INT");
    signal(&child, "TERM");
    signal(&child, "CONT");
    let (code, stdout, stderr) = end(child);
    assert_eq!((code, stdout.as_str()), (Some(130), ""), "{stderr}");
    place.run(&line("out", 1000)).ok();
}

#[test]
fn nohup_keeps_its_promise() {
    let place = place();
    let out = place.path("out");
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_kbioxlm")).args(line("out", 1000).split_whitespace()).current_dir(place.path(""));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&mut child, || steps(&out) >= 2);
    signal(&child, "HUP");
    let (code, stdout, stderr) = end(child);
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert!(code == Some(0) && summary["interrupted"] == false, "{stderr}");
}

/// Runs `line` with files of at most so many blocks of 512 bytes.
fn run_limited(place: &Place, blocks: u32, line: &str) -> Outcome {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_kbioxlm")]).args(line.split_whitespace());
    let output = command.current_dir(place.path("")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn without_space_the_run_ends_whole_and_goes_on_when_there_is_some() {
    let place = place();
    place.run(&line("straight", 20)).ok();
    let out = place.path("full");
    let mut child = start(&place, &line("full", 20));
    wait_for(&mut child, || out.join("checkpoints/step-20").exists());
    child.kill().unwrap();
    child.wait().unwrap();

    // The weights fit, the state of the optimiser does not.
    run_limited(&place, 56, &line("full", 20)).fails_with(&[
        "optimizer.safetensors: cannot write",
        "ulimit",
        "run the same command again\n",
    ]);
    let mut left: Vec<_> = fs::read_dir(out.join("checkpoints")).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["step-20"], "nothing half-written");
    assert!(!out.join("model.safetensors").exists());
    let summary: Value = serde_json::from_str(&place.run(&line("full", 20)).ok()).unwrap();
    assert_eq!(summary["resumed_from"], 20);
    assert_same(&place, "straight", "full");
}

#[test]
fn metrics_that_do_not_fit_end_the_run_at_a_whole_line() {
    let place = place();
    place.run(&line("straight", 1000)).ok();
    run_limited(&place, 4, &line("full", 1000)).fails_with(&["metrics.jsonl: cannot write", "ulimit"]);
    let lines = metrics(&place.path("full"));
    assert!((1..STEPS as usize).contains(&lines.len()), "{} lines", lines.len());
    place.run(&line("full", 1000)).ok();
    assert_same(&place, "straight", "full");
}

#[test]
fn a_corpus_that_vanished_or_changed_is_named() {
    let place = place();
    let line = line("out", 1000);
    let out = place.path("out");
    let mut child = start(&place, &line);
    wait_for(&mut child, || steps(&out) >= 2);
    signal(&child, "INT");
    assert_eq!(end(child).0, Some(130));
    let examples = place.path("corpus/examples.parquet");
    let bytes = fs::read(&examples).unwrap();

    fs::remove_file(&examples).unwrap();
    place.run(&line).fails_with(&["corpus/examples.parquet", "No such file"]);
    fs::write(&examples, &bytes[..bytes.len() - 1]).unwrap();
    place.run(&line).fails_with(&[
        "corpus/examples.parquet: found content of hash",
        "manifest.json",
        "build the corpus",
    ]);
    fs::rename(place.path("corpus"), place.path("former")).unwrap();
    place.run(&line).fails_with(&["corpus/manifest.json", "No such file"]);
    place.run("corpus build --kb kb --text en=en.jsonl --levels plain --seed 4 --out corpus").ok();
    place.run(&line).fails_with(&["out/checkpoints/step-", "another run", "`corpus` is"]);

    fs::write(place.path("former/examples.parquet"), bytes).unwrap();
    fs::remove_dir_all(place.path("corpus")).unwrap();
    fs::rename(place.path("former"), place.path("corpus")).unwrap();
    place.run(&line).ok();
}
