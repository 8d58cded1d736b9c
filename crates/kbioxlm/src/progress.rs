//! Progress bars and colours.

use anstyle::{AnsiColor, Color, Style};
use indicatif::{ProgressBar, ProgressStyle};
use kbioxlm_train::{EpochScore, Observer, StepMetrics};
use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Colour of errors.
pub const RED: Style = colour(AnsiColor::Red).bold();

/// Foreground colour as a style.
pub const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

/// A bar on stderr; invisible where stderr is not a terminal.
pub fn bar(length: u64, what: impl Into<Cow<'static, str>>) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    // The template is a constant: if it did not parse, the default style would do.
    if let Ok(style) = ProgressStyle::with_template("{msg:<40} {wide_bar:.cyan/dim} {human_pos}/{human_len} {eta}") {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar
}

/// A counter on stderr, for work whose amount is not known beforehand.
pub fn counter(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {human_pos} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

/// A flag that Ctrl-C raises: the running step is finished and saved. A second Ctrl-C ends the process at once.
pub fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        // Nothing can be done about a closed stderr here.
        let _ = writeln!(
            std::io::stderr(),
            "\ninterrupted: finishing this step and saving; press Ctrl-C again to stop at once"
        );
    })?;
    Ok(stop)
}

/// Writes a value as JSON to stdout.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Draws the progress of training: speed and losses beside the bar, epochs' scores above it.
pub struct TrainingBar {
    what: &'static str,
    bar: ProgressBar,
}

impl TrainingBar {
    /// A bar that appears with the first news.
    pub fn new(what: &'static str) -> Self {
        Self { what, bar: ProgressBar::hidden() }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for TrainingBar {
    fn encoding(&mut self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar = bar(total, "tokenising");
        }
        self.bar.set_position(done);
    }

    fn initialised(&mut self, tensors: &[String]) {
        if let Some(first) = tensors.first() {
            tracing::info!("the base model has no {first}{}: initialised", others(tensors.len() - 1));
        }
    }

    fn start(&mut self, done: u64, total: u64) {
        self.bar.finish_and_clear();
        if done > 0 {
            tracing::info!("going on after step {done} of {total}");
        }
        self.bar = bar(total, self.what);
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    fn step(&mut self, m: &StepMetrics) {
        self.bar.set_position(m.step);
        self.bar.set_message(format!("{} loss {:.3} · {:.0} tokens/s", self.what, m.loss, m.tokens_per_second));
    }

    fn epoch(&mut self, e: &EpochScore) {
        let best = if e.best { ", the best so far" } else { "" };
        let EpochScore { epoch, loss, score, .. } = e;
        self.bar.suspend(|| tracing::info!("epoch {epoch}: loss {loss:.4}, dev score {:.2}{best}", 100.0 * score));
    }
}

fn others(n: usize) -> String {
    if n == 0 { String::new() } else { format!(" and {n} more tensors") }
}
