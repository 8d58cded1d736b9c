//! Plots as inline SVG. Colours come from the page's style sheet, so that they follow the reader's light or dark mode; the
//! width of 360 units is that of a phone, so that letters keep their size there.

use crate::page::escaped;
use crate::text::shortened;
use crate::{Bar, Histogram, grouped};
use std::fmt::Write;

const WIDTH: f64 = 360.0;
/// Longest label that leaves room for a note behind it, in columns.
const LABEL: usize = 42;

fn open(height: f64, label: &str) -> String {
    let label = escaped(label);
    format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">"#)
}

/// Horizontal bars, each under its label.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 32.0;
    let greatest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut svg = open(ROW * bars.len() as f64, title);
    for (bar, n) in bars.iter().zip(0_u32..) {
        let top = ROW * f64::from(n);
        let length = (bar.value / greatest * WIDTH).max(if bar.value > 0.0 { 1.0 } else { 0.0 });
        let (label, note) = (escaped(&shortened(&bar.label, LABEL)), escaped(&bar.note));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<g><title>{}: {note}</title><text x="0" y="{:.1}">{label}</text><text class="n" x="{WIDTH}" y="{:.1}">{note}</text><rect class="track" x="0" y="{:.1}" width="{WIDTH}" height="7" rx="2"/><rect class="bar" x="0" y="{:.1}" width="{length:.1}" height="7" rx="2"/></g>"#,
            escaped(&bar.label),
            top + 14.0,
            top + 14.0,
            top + 19.0,
            top + 19.0,
        );
    }
    svg + "</svg>"
}

/// Columns over an axis, with a line at the marked value.
pub fn histogram(title: &str, histogram: &Histogram) -> String {
    const TOP: f64 = 16.0;
    const BOTTOM: f64 = 126.0;
    let greatest = histogram.greatest().max(1);
    let column = WIDTH / histogram.bins.len().max(1) as f64;
    let mut svg = open(BOTTOM + 20.0, title);
    for (n, &count) in histogram.bins.iter().enumerate() {
        let height = (BOTTOM - TOP) * count as f64 / greatest as f64;
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"><title>{}: {}</title></rect>"#,
            column * n as f64 + 0.5,
            BOTTOM - height,
            (column - 1.0).max(0.5),
            histogram.range(n),
            grouped(count),
        );
    }
    let _ = write!(svg, r#"<path class="axis" d="M0 {BOTTOM}H{WIDTH}"/>"#);
    let x_of = |value: u64| column * value as f64 / histogram.width.max(1) as f64;
    let end = histogram.width * histogram.bins.len() as u64;
    let step = tick(end);
    for value in (0..=end).step_by(step as usize) {
        let x = x_of(value);
        let anchor = if value == 0 {
            "start"
        } else if x > WIDTH - 12.0 {
            "end"
        } else {
            "middle"
        };
        let _ = write!(
            svg,
            r#"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            BOTTOM + 15.0,
            grouped(value)
        );
    }
    if let Some(mark) = histogram.mark.filter(|&mark| mark <= end) {
        let x = x_of(mark);
        let (anchor, shift) = if x > WIDTH / 2.0 { ("end", -4.0) } else { ("start", 4.0) };
        let _ = write!(
            svg,
            r#"<path class="mark" d="M{x:.1} 0V{BOTTOM}"/><text class="mark" x="{:.1}" y="11" text-anchor="{anchor}">{}</text>"#,
            x + shift,
            grouped(mark),
        );
    }
    svg + "</svg>"
}

/// The distance of some four ticks on an axis that ends at `end`: 1, 2 or 5 times a power of ten, or of two where that fits.
pub(crate) fn tick(end: u64) -> u64 {
    let least = end.div_ceil(5).max(1);
    if end.is_multiple_of(4) && (end / 4).is_power_of_two() {
        return end / 4;
    }
    let power = 10_u64.pow(least.ilog10());
    [1, 2, 5, 10].map(|n| n * power).into_iter().find(|&step| step >= least).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_labels_and_lengths() {
        let svg = bars("a & b", &[Bar::count("<x>", 10), Bar::count("y", 5), Bar::count("z", 0)]);
        assert!(svg.contains("aria-label=\"a &amp; b\"") && svg.contains("&lt;x&gt;: 10"), "{svg}");
        for length in ["width=\"360.0\"", "width=\"180.0\"", "width=\"0.0\""] {
            assert!(svg.contains(length), "{length}");
        }
        assert_eq!(svg.matches("<g>").count(), 3);
    }

    #[test]
    fn histograms_have_columns_ticks_and_a_mark() {
        let plot = Histogram { bins: &[1, 4, 0, 2], width: 32, open: true, mark: Some(64) };
        let svg = histogram("lengths", &plot);
        assert_eq!(svg.matches("class=\"bar\"").count(), 4);
        assert!(svg.contains("<title>0–31: 1</title>") && svg.contains("<title>96 and more: 2</title>"), "{svg}");
        assert!(svg.contains("d=\"M180.0 0V126\""), "{svg}");
        for label in [">0<", ">32<", ">64<", ">96<", ">128<"] {
            assert!(svg.contains(label), "{label} in {svg}");
        }
        assert!(!histogram("none", &Histogram { bins: &[], width: 0, open: false, mark: None }).contains("NaN"));
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!([1024, 512, 100, 7, 1, 0, 960].map(tick), [256, 128, 20, 2, 1, 1, 200]);
    }
}
