//! A curve in characters.

/// Eighths of a character cell, from none to full.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws `values` as columns of blocks, `width` × `height` characters at most, with the highest and lowest value at the side.
/// A column is the mean of the values that fall into it; the scale begins at the lowest column.
pub fn plot(values: &[f64], width: usize, height: usize) -> String {
    let columns = columns(values, width);
    let (Some(low), Some(high)) = (columns.iter().copied().reduce(f64::min), columns.iter().copied().reduce(f64::max))
    else {
        return String::new();
    };
    let range = if high > low { high - low } else { 1.0 };
    let eighths = (height * 8).saturating_sub(1) as f64;
    let heights: Vec<usize> = columns.iter().map(|v| 1 + ((v - low) / range * eighths).round() as usize).collect();
    let mut lines = Vec::new();
    for row in (0..height).rev() {
        let label = match row {
            r if r + 1 == height => format!("{high:8.3} "),
            0 => format!("{low:8.3} "),
            _ => " ".repeat(9),
        };
        let cell = |h: &usize| BLOCKS.get(h.saturating_sub(row * 8).min(8)).copied().unwrap_or(' ');
        lines.push(label + heights.iter().map(cell).collect::<String>().trim_end());
    }
    lines.join("\n")
}

fn columns(values: &[f64], width: usize) -> Vec<f64> {
    let count = values.len().min(width);
    let column = |i: usize| {
        let (start, end) = (i * values.len() / count, (i + 1) * values.len() / count);
        let slice = values.get(start..end).unwrap_or_default();
        slice.iter().sum::<f64>() / slice.len().max(1) as f64
    };
    (0..count).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_from_the_top_to_the_bottom() {
        let falling: Vec<f64> = (0..40).map(|i| f64::from(40 - i)).collect();
        let plot = plot(&falling, 10, 2);
        // Columns hold means of four: 38.5 down to 2.5.
        assert_eq!(plot, "  38.500 █▆▅▃▁\n   2.500 ██████▆▄▃▁");
    }

    #[test]
    fn nothing_and_one_value_have_a_picture() {
        assert_eq!(plot(&[], 10, 3), "");
        assert_eq!(plot(&[2.0], 10, 1), "   2.000 ▁");
    }
}
