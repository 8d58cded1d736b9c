//! Curves of several runs in one SVG file that needs nothing else: in a browser, on a code forge, in a paper.
//! Its colours follow the reader's light or dark mode.

use crate::page::escaped;
use crate::svg::tick;
use crate::{decimal, grouped};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

const STYLE: &str = include_str!("curves.css");

/// Size of a chart, and what is left of it for the curves.
const CHART: [f64; 2] = [360.0, 200.0];
const LEFT: f64 = 50.0;
const TOP: f64 = 26.0;
const PLOT: [f64; 2] = [CHART[0] - LEFT - 6.0, CHART[1] - TOP - 22.0];
/// Between charts and around them.
const GAP: f64 = 20.0;
const COLUMNS: usize = 3;
/// Colours of the style sheet; what comes behind the last has them again, dashed.
const COLOURS: usize = 6;
/// Points of a curve at most: more than there are pixels are not seen, but make the file large.
const POINTS: usize = 400;
/// Curves of so few points show each of them.
const FEW: usize = 20;
/// The share of the points over which a curve is smoothed.
const SMOOTH: usize = 40;

/// Curves over one axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    /// What the curves show.
    pub title: String,
    /// Any number of them.
    pub curves: Vec<Curve>,
}

/// Points, and whose they are.
#[derive(Clone, PartialEq, Debug)]
pub struct Curve {
    /// Number of its name in the legend.
    pub name: usize,
    /// `(x, y)`, finite numbers, `x` not negative and rising.
    pub points: Vec<(f64, f64)>,
}

/// Charts beside and below each other under one legend.
pub fn curves(title: &str, legend: &[String], charts: &[Chart], note: &str) -> String {
    let columns = charts.len().clamp(1, COLUMNS);
    let width = columns as f64 * (CHART[0] + GAP) + GAP;
    let (names, charts_from) = legend_items(legend, width, GAP + 42.0);
    let rows = charts.len().div_ceil(columns);
    let height = charts_from + rows as f64 * (CHART[1] + GAP) + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{GAP}\" y=\"{}\">{title}</text>\n{names}",
        GAP + 14.0,
        title = escaped(title),
    );
    for (n, chart) in charts.iter().enumerate() {
        let (column, row) = (n % columns, n / columns);
        let (x, y) = (GAP + column as f64 * (CHART[0] + GAP), charts_from + row as f64 * (CHART[1] + GAP));
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">{}</g>", chart.svg());
    }
    let _ = writeln!(svg, "<text class=\"faint\" x=\"{GAP}\" y=\"{}\">{}</text>\n</svg>", height - 12.0, escaped(note));
    svg
}

/// One chart under its legend as inline SVG for a [`Page`](crate::Page), as wide as a phone.
pub fn curve_chart(legend: &[String], chart: &Chart) -> String {
    let (names, from) = legend_items(legend, CHART[0], 14.0);
    let height = from + CHART[1];
    let label = escaped(&chart.title);
    let drawn = chart.svg();
    format!(
        "<svg viewBox=\"0 0 {} {height}\" role=\"img\" aria-label=\"{label}\"><g transform=\"translate({} 0)\">{names}</g>\
         <g transform=\"translate(0 {from})\">{drawn}</g></svg>",
        CHART[0], -GAP
    )
}

/// The names with their colours, in as many lines as they need from `y` on; and where the charts begin.
fn legend_items(legend: &[String], width: f64, mut y: f64) -> (String, f64) {
    let (mut svg, mut x) = (String::new(), GAP);
    for (n, name) in legend.iter().enumerate() {
        // Letters have some 7 of the drawing's units on average.
        let needed = 34.0 + 7.0 * name.width() as f64;
        if x > GAP && x + needed > width - GAP {
            (x, y) = (GAP, y + 20.0);
        }
        let _ = writeln!(
            svg,
            "<path class=\"curve {}\" d=\"M{x} {}h20\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            class(n),
            y - 4.0,
            x + 26.0,
            escaped(name)
        );
        x += needed + 14.0;
    }
    (svg, y + 18.0)
}

fn class(name: usize) -> String {
    format!("c{} d{}", name % COLOURS, name / COLOURS % 3)
}

/// A straight line between values and places in a drawing.
#[derive(Copy, Clone)]
struct Scale {
    from: f64,
    to: f64,
    length: f64,
}

impl Scale {
    fn new(from: f64, to: f64, length: f64) -> Self {
        // Values that are all the same stand in the middle.
        let pad = if to > from { 0.0 } else { from.abs().max(1.0) / 2.0 };
        Self { from: from - pad, to: to + pad, length }
    }

    fn place(self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from) * self.length
    }
}

/// A curve as it is drawn.
struct Drawn {
    name: usize,
    raw: Vec<(f64, f64)>,
    smooth: Vec<(f64, f64)>,
}

impl Drawn {
    fn new(curve: &Curve) -> Self {
        let smooth = smoothed(&curve.points, window(curve.points.len()));
        Self { name: curve.name, raw: thinned(&curve.points), smooth: thinned(&smooth) }
    }
}

impl Chart {
    fn svg(&self) -> String {
        let drawn: Vec<Drawn> = self.curves.iter().filter(|curve| !curve.points.is_empty()).map(Drawn::new).collect();
        let right = self.curves.iter().filter_map(|c| c.points.last()).map(|p| p.0).fold(0.0, f64::max);
        let x = Scale::new(0.0, right.max(1.0), PLOT[0]);
        let (low, high) = range(&drawn);
        let y = Scale::new(low, high, PLOT[1]);
        let mut svg = format!("<text class=\"name\" x=\"0\" y=\"13\">{}</text>", escaped(&self.title));
        let step = nice((y.to - y.from) / 5.0);
        let mut value = (y.from / step).ceil() * step;
        while value <= y.to {
            let at = TOP + PLOT[1] - y.place(value);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {at:.1}h{}\"/><text class=\"n\" x=\"{}\" y=\"{:.1}\">{}</text>",
                PLOT[0],
                LEFT - 6.0,
                at + 4.0,
                label(value, step)
            );
            value += step;
        }
        let bottom = TOP + PLOT[1];
        let distance = tick(right.max(1.0) as u64) as usize;
        for value in (0..=right.max(1.0) as u64).step_by(distance) {
            let at = LEFT + x.place(value as f64);
            let anchor = if at > CHART[0] - 20.0 { "end" } else { "middle" };
            let _ = write!(
                svg,
                "<text class=\"x\" text-anchor=\"{anchor}\" x=\"{at:.1}\" y=\"{}\">{}</text>",
                bottom + 16.0,
                grouped(value)
            );
        }
        let _ = write!(svg, "<path class=\"axis\" d=\"M{LEFT} {bottom}h{}\"/>", PLOT[0]);
        // An inner drawing cuts off what leaves it.
        let _ = write!(svg, "<svg x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\">", PLOT[0], PLOT[1]);
        let path = |points: &[(f64, f64)]| {
            let place = |&(px, py): &(f64, f64)| format!("{:.1} {:.1}", x.place(px), PLOT[1] - y.place(py));
            let places: Vec<String> = points.iter().map(place).collect();
            // A line of no length is a dot.
            format!("M{}{}", places.join("L"), if points.len() == 1 { "h0" } else { "" })
        };
        for Drawn { name, raw, smooth } in &drawn {
            if raw != smooth {
                let _ = write!(svg, "<path class=\"raw {}\" d=\"{}\"/>", class(*name), path(raw));
            }
        }
        for Drawn { name, smooth, .. } in &drawn {
            let _ = write!(svg, "<path class=\"curve {}\" d=\"{}\"/>", class(*name), path(smooth));
            if smooth.len() <= FEW {
                let dots: String = smooth.iter().map(|point| path(&[*point])).collect();
                let _ = write!(svg, "<path class=\"dots {}\" d=\"{dots}\"/>", class(*name));
            }
        }
        svg + "</svg>"
    }
}

/// What the axis shows: all of the smoothed curves, and the others without their few outermost points.
fn range(drawn: &[Drawn]) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for Drawn { raw, smooth, .. } in drawn {
        let mut values: Vec<f64> = raw.iter().map(|p| p.1).collect();
        values.sort_by(f64::total_cmp);
        let outer = values.len() / 50;
        let inner = values.get(outer..values.len() - outer).unwrap_or(&values);
        for value in smooth.iter().map(|p| p.1).chain(inner.iter().copied()) {
            low = low.min(value);
            high = high.max(value);
        }
    }
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// Points over which a curve of so many is smoothed: an odd number, 1 for few.
fn window(points: usize) -> usize {
    (points / SMOOTH) | 1
}

/// Each value as the mean of those around it, `window` of them; at the ends of fewer, down to a quarter, so that the curve
/// neither lags behind a slope nor ends in the noise.
fn smoothed(points: &[(f64, f64)], window: usize) -> Vec<(f64, f64)> {
    let mut sums = vec![0.0];
    for (_, y) in points {
        sums.push(sums.last().copied().unwrap_or(0.0) + y);
    }
    let sum = |n: usize| sums.get(n).copied().unwrap_or(0.0);
    let mean = |(i, (x, _)): (usize, &(f64, f64))| {
        let last = points.len() - 1;
        let side = i.min(last - i).clamp(window / 4, window / 2);
        let (from, to) = (i.saturating_sub(side), (i + side).min(last) + 1);
        (*x, (sum(to) - sum(from)) / (to - from) as f64)
    };
    if window == 1 { points.to_vec() } else { points.iter().enumerate().map(mean).collect() }
}

/// At most [`POINTS`] points: means of as many neighbours as that takes.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let n = chunk.len() as f64;
        (chunk.iter().map(|p| p.0).sum::<f64>() / n, chunk.iter().map(|p| p.1).sum::<f64>() / n)
    };
    if size == 1 { points.to_vec() } else { points.chunks(size).map(mean).collect() }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`, which is above 0.
fn nice(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|n| n * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// A value on an axis with ticks `step` apart, with as many digits as tell them apart.
fn label(value: f64, step: f64) -> String {
    // What is 0 but for rounding.
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    let sign = if value < 0.0 { "−" } else { "" };
    // A little more than the step: the logarithm of 0.001 must not come out below −3.
    let digits = (-(1.0001 * step).log10().floor()).max(0.0) as usize;
    if digits <= 3 {
        return format!("{sign}{}", decimal(value.abs(), digits));
    }
    let text = format!("{:.1e}", value.abs()).replace(".0e", "e");
    if value == 0.0 { "0".to_owned() } else { format!("{sign}{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        Chart { title: "a < b".into(), curves: vec![Curve { name: 7, points }] }
    }

    #[test]
    fn a_sheet_has_legend_axes_and_curves() {
        let points = (0..200).map(|i| (f64::from(i), 1.0 + f64::from(i % 2))).collect();
        let svg = curves("Runs & more", &["one".into(), "two".into()], &[chart(points)], "note");
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for part in
            ["Runs &amp; more", ">one<", ">two<", "a &lt; b", ">note<", "class=\"raw c1 d1\"", "class=\"curve c1 d1\""]
        {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        for tick in [">0<", ">50<", ">100<", ">150<", ">1.6<", ">2.0<"] {
            assert!(svg.contains(tick), "{tick} in {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn a_chart_on_a_page_is_as_wide_as_a_phone() {
        let names: Vec<String> = (0..5).map(|i| format!("a long name {i}")).collect();
        let svg = curve_chart(&names, &chart(vec![(0.0, 1.0), (9.0, 2.0)]));
        assert!(svg.starts_with("<svg viewBox=\"0 0 360 ") && !svg.contains("<style"), "{svg}");
        assert!(names.iter().all(|name| svg.contains(name)));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn odd_curves_are_drawn_too() {
        for points in [vec![], vec![(5.0, 0.0)], vec![(1.0, 3.0), (2.0, 3.0)], vec![(1.0, -1e-7), (9e5, 1e-7)]] {
            let svg = curves("t", &["one".into()], &[chart(points.clone())], "");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{points:?}: {svg}");
            assert_eq!(svg.matches("class=\"curve c1").count(), usize::from(!points.is_empty()), "{points:?}");
        }
        assert!(curves("t", &[], &[], "").contains("</svg>"));
    }

    #[test]
    fn smoothing_keeps_straight_lines_and_evens_out_noise() {
        let line: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), 3.0 * f64::from(i))).collect();
        let distance = |a: &[(f64, f64)], range: std::ops::Range<usize>| {
            let pairs = a[range.clone()].iter().zip(&line[range]);
            pairs.map(|(a, b)| (a.1 - b.1).abs() + (a.0 - b.0).abs()).fold(0.0, f64::max)
        };
        assert!(distance(&smoothed(&line, 1), 0..50) == 0.0 && distance(&smoothed(&line, 9), 2..48) < 1e-9);
        assert!(
            (distance(&smoothed(&line, 9), 0..50) - 3.0).abs() < 1e-9,
            "at the ends, half of a quarter of the window"
        );
        let noise: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let smooth = smoothed(&noise, 11);
        assert!(smooth[10..40].iter().all(|p| (p.1 - 0.5).abs() < 0.05), "{smooth:?}");
        assert_eq!([window(0), window(39), window(80), window(4000)], [1, 1, 3, 101]);
    }

    #[test]
    fn thinning_keeps_the_shape() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), f64::from(i))).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS && thin.len() > POINTS / 2);
        assert!(thin.iter().all(|p| (p.0 - p.1).abs() < 1e-9));
        assert_eq!(thinned(&points[..400]), points[..400]);
    }

    #[test]
    fn ticks_are_round_and_labels_tell_them_apart() {
        assert_eq!([0.3, 1.0, 4.2, 70.0].map(nice), [0.5, 1.0, 5.0, 100.0]);
        let shown =
            [(0.2, 0.1), (1500.0, 500.0), (-2.5, 0.5), (1.2e-4, 2e-5), (5e-5, 1e-5), (1e-20, 0.1), (0.003, 0.001)];
        assert_eq!(shown.map(|(v, s)| label(v, s)), ["0.2", "1,500", "−2.5", "1.2e-4", "5e-5", "0.0", "0.003"]);
    }
}
