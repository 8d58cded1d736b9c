//! Progress bars and colours.

use anstyle::{AnsiColor, Color, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::borrow::Cow;
use std::io::Write;

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

/// A figure of this process's memory, in bytes, where the system is Linux: resident now, `VmRSS`, or at most so far, `VmHWM`.
pub fn memory(figure: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))?;
    Some(1024 * line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?)
}

/// Writes a value as JSON to stdout.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}
