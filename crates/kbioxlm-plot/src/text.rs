//! Plots of characters. Widths are those on a terminal, where a Chinese character takes two columns.

use crate::{Bar, Histogram, grouped};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longest label that is written whole, in columns.
const LABEL: usize = 44;
/// From an eighth of a column to a whole one.
const BLOCKS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Horizontal bars, one a line, the longest of `width` columns; without a line end behind the last.
pub fn bars(bars: &[Bar], width: usize) -> String {
    let greatest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let labels: Vec<String> = bars.iter().map(|bar| shortened(&bar.label, LABEL)).collect();
    let label_width = labels.iter().map(|label| label.width()).max().unwrap_or_default();
    let note_width = bars.iter().map(|bar| bar.note.width()).max().unwrap_or_default();
    let line = |(bar, label): (&Bar, &String)| {
        let label = padded(label, label_width);
        let note = format!("{}{}", " ".repeat(note_width - bar.note.width()), bar.note);
        format!("{label}  {note}  {}", blocks(bar.value, greatest, width)).trim_end().to_owned()
    };
    bars.iter().zip(&labels).map(line).collect::<Vec<_>>().join("\n")
}

/// A histogram as bars, one a bin up to the last that has a value, with a rule before the marked value.
pub fn histogram(histogram: &Histogram, width: usize) -> String {
    let used = histogram.bins.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    let mut list = histogram.bars();
    list.truncate(used);
    let drawn = bars(&list, width);
    let mark = histogram.mark.filter(|mark| histogram.width > 0 && mark.is_multiple_of(histogram.width));
    let at = mark.map(|mark| (mark / histogram.width) as usize);
    let mut lines = Vec::new();
    for (n, line) in drawn.lines().enumerate() {
        if let Some(mark) = mark.filter(|_| at == Some(n)) {
            lines.push(format!("──── {} ────", grouped(mark)));
        }
        lines.push(line.to_owned());
    }
    lines.join("\n")
}

/// A bar as long as `value` is of `greatest`; what is not nothing is seen.
fn blocks(value: f64, greatest: f64, width: usize) -> String {
    if value <= 0.0 || greatest <= 0.0 {
        return String::new();
    }
    let eighths = ((value / greatest * (8 * width) as f64).round() as usize).clamp(1, 8 * width);
    let mut text: String = std::iter::repeat_n(BLOCKS[7], eighths / 8).collect();
    text.extend(eighths.checked_rem(8).filter(|&rest| rest > 0).and_then(|rest| BLOCKS.get(rest - 1)));
    text
}

/// Rows in columns two spaces apart: the first to the left, all others to the right; without a line end behind the last.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |n: usize| rows.iter().filter_map(|row| row.get(n)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let cell = |(n, (cell, &width)): (usize, (&String, &usize))| {
        if n == 0 { padded(cell, width) } else { format!("{}{cell}", " ".repeat(width - cell.width())) }
    };
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width - 1;
    let fits = |c: &char| {
        let needed = c.width().unwrap_or_default();
        let fits = needed <= left;
        left = left.saturating_sub(needed);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let list = [Bar::count("发热", 1000), Bar::count("fever", 125), Bar::count("x", 1), Bar::count("none", 0)];
        assert_eq!(bars(&list, 8), "发热   1,000  ████████\nfever    125  █\nx          1  ▏\nnone       0");
        assert_eq!(bars(&[Bar::count("a", 0)], 8), "a  0");
        assert_eq!(bars(&[Bar::count("a", 3), Bar::count("b", 2)], 1), "a  3  █\nb  2  ▋");
        assert_eq!(bars(&[], 8), "");
    }

    #[test]
    fn histograms_end_with_their_last_value_and_show_the_mark() {
        let plot = Histogram { bins: &[2, 0, 1, 0], width: 4, open: false, mark: Some(8) };
        assert_eq!(histogram(&plot, 2), "0–3   2  ██\n4–7   0\n──── 8 ────\n8–11  1  █");
        assert_eq!(histogram(&Histogram { bins: &[0, 0], width: 4, open: true, mark: None }, 2), "");
    }

    #[test]
    fn long_labels_are_cut_by_columns() {
        assert_eq!(shortened("发热头痛", 5), "发热…");
        assert_eq!(shortened("发热头痛", 6), "发热…");
        assert_eq!(shortened("fever", 5), "fever");
    }

    #[test]
    fn tables_are_aligned_by_columns() {
        let rows =
            [vec!["名".to_owned(), "n".to_owned()], vec!["abc".to_owned(), "10".to_owned()], vec!["x".to_owned()]];
        assert_eq!(table(&rows), "名    n\nabc  10\nx");
    }
}
