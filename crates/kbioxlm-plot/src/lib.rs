//! Bars and histograms for terminals and as pages of inline SVG, curves as SVG files.
//!
//! Written by hand, since the charting crates draw with fixed colours and sizes or need a script: a page here is one file that
//! is readable on a phone, in the dark and without network.

mod curves;
mod number;
mod page;
mod svg;
mod text;

pub use curves::{Chart, Curve, curve_chart, curves};
pub use number::{decimal, grouped};
pub use page::{MarkedText, Page};
pub use svg::{bars as svg_bars, histogram as svg_histogram};
pub use text::{bars as text_bars, histogram as text_histogram, table as text_table};

/// A bar and what stands beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Bar {
    /// What it is, on its left or above it.
    pub label: String,
    /// How long it is: not negative.
    pub value: f64,
    /// What stands behind it, most often the value.
    pub note: String,
}

impl Bar {
    /// A bar for a count.
    pub fn count(label: impl Into<String>, count: u64) -> Self {
        Self { label: label.into(), value: count as f64, note: grouped(count) }
    }
}

/// Counts of values in bins of one width, from 0 on.
#[derive(Clone, PartialEq, Debug)]
pub struct Histogram<'a> {
    /// Values of each bin.
    pub bins: &'a [u64],
    /// Width of a bin.
    pub width: u64,
    /// Whether the last bin has all greater values too.
    pub open: bool,
    /// A value to be marked.
    pub mark: Option<u64>,
}

impl Histogram<'_> {
    /// The range of bin number `n`: `64–95`, `992 and more`.
    pub fn range(&self, n: usize) -> String {
        let from = n as u64 * self.width;
        if self.open && n + 1 == self.bins.len() {
            format!("{} and more", grouped(from))
        } else if self.width == 1 {
            grouped(from)
        } else {
            format!("{}–{}", grouped(from), grouped(from + self.width - 1))
        }
    }

    /// The histogram as bars, one a bin.
    pub fn bars(&self) -> Vec<Bar> {
        self.bins.iter().enumerate().map(|(n, &count)| Bar::count(self.range(n), count)).collect()
    }

    fn greatest(&self) -> u64 {
        self.bins.iter().copied().max().unwrap_or_default()
    }
}
