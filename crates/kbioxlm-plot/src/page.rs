//! A page in one file.

use std::fmt::Write;
use std::ops::Range;

/// Curves on a page look as in files of their own.
const STYLE: &str = concat!(include_str!("page.css"), include_str!("curves.css"));

/// An HTML page that is built from top to bottom, and needs nothing but itself.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// A page with a title and a line about it.
    pub fn new(title: &str, about: &str) -> Self {
        let body = format!("<h1>{}</h1>\n<p class=\"about\">{}</p>\n", escaped(title), escaped(about));
        Self { title: title.to_owned(), body }
    }

    /// Numbers that are seen first, each with what it counts.
    pub fn tiles(&mut self, tiles: &[(&str, String)]) {
        self.body.push_str("<dl class=\"tiles\">\n");
        for (name, value) in tiles {
            // Writing to a string cannot fail.
            let _ = writeln!(self.body, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value));
        }
        self.body.push_str("</dl>\n");
    }

    /// Begins a group of charts and tables that stand beside each other where there is room.
    pub fn begin_group(&mut self) {
        self.body.push_str("<div class=\"group\">\n");
    }

    /// Ends the group.
    pub fn end_group(&mut self) {
        self.body.push_str("</div>\n");
    }

    /// A chart (SVG, as this crate draws it) with its heading and a note below.
    pub fn chart(&mut self, heading: &str, svg: &str, note: &str) {
        let _ = writeln!(self.body, "<figure><h2>{}</h2>{svg}{}</figure>", escaped(heading), caption(note));
    }

    /// A table, its first row the header; wide ones are scrolled by themselves.
    pub fn table(&mut self, heading: &str, rows: &[Vec<String>]) {
        self.rows(heading, &unmarked(rows), 1, "");
    }

    /// Names and their values, without a header.
    pub fn list(&mut self, heading: &str, rows: &[Vec<String>]) {
        self.rows(heading, &unmarked(rows), 0, "");
    }

    /// A table, its first row the header, some of whose cells are marked; with a note below.
    pub fn marked_table(&mut self, heading: &str, rows: &[Vec<(String, bool)>], note: &str) {
        self.rows(heading, rows, 1, note);
    }

    fn rows(&mut self, heading: &str, rows: &[Vec<(String, bool)>], headers: usize, note: &str) {
        let _ = write!(self.body, "<figure><h2>{}</h2><div class=\"scroll\"><table>", escaped(heading));
        for (n, row) in rows.iter().enumerate() {
            let tag = if n < headers { "th" } else { "td" };
            let cell = |(text, marked): &(String, bool)| match marked {
                true => format!("<{tag}><strong>{}</strong></{tag}>", escaped(text)),
                false => format!("<{tag}>{}</{tag}>", escaped(text)),
            };
            let _ = write!(self.body, "<tr>{}</tr>", row.iter().map(cell).collect::<String>());
        }
        let _ = writeln!(self.body, "</table></div>{}</figure>", caption(note));
    }

    /// Sentences, each for itself.
    pub fn notes(&mut self, heading: &str, notes: &[String]) {
        let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
        let _ = writeln!(self.body, "<figure><h2>{}</h2><ul>{notes}</ul></figure>", escaped(heading));
    }

    /// Texts with marked parts, under each other.
    pub fn texts(&mut self, heading: &str, note: &str, texts: &[MarkedText]) {
        let _ = write!(self.body, "<figure class=\"texts\"><h2>{}</h2>", escaped(heading));
        for text in texts {
            let _ = write!(self.body, "<p><b>{}</b> {}</p>", escaped(&text.name), text.html());
        }
        let _ = writeln!(self.body, "{}</figure>", caption(note));
    }

    /// Something long that is folded away.
    pub fn folded(&mut self, heading: &str, text: &str) {
        let (heading, text) = (escaped(heading), escaped(text));
        let _ =
            writeln!(self.body, "<details><summary>{heading}</summary><pre class=\"scroll\">{text}</pre></details>");
    }

    /// The whole page.
    pub fn html(&self) -> String {
        let Self { title, body } = self;
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n<main>\n{body}</main>\n</html>\n",
            escaped(title)
        )
    }
}

fn unmarked(rows: &[Vec<String>]) -> Vec<Vec<(String, bool)>> {
    rows.iter().map(|row| row.iter().map(|cell| (cell.clone(), false)).collect()).collect()
}

/// A note below a figure, if there is any.
fn caption(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!("<figcaption>{}</figcaption>", escaped(note)) }
}

/// A text, and what is marked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkedText {
    /// What stands before it.
    pub name: String,
    /// The text.
    pub text: String,
    /// Parts of the text in characters, from left to right and apart from each other, each with what it is.
    pub marks: Vec<(Range<usize>, String)>,
    /// Labels in their order: each has a colour.
    pub labels: Vec<String>,
}

impl MarkedText {
    fn html(&self) -> String {
        let chars: Vec<char> = self.text.chars().collect();
        let part = |range: Range<usize>| escaped(&chars.get(range).unwrap_or_default().iter().collect::<String>());
        let (mut html, mut rest) = (String::new(), 0);
        for (range, label) in &self.marks {
            let colour = self.labels.iter().position(|l| l == label).unwrap_or(0) % 4;
            let (before, inner, label) = (part(rest..range.start), part(range.clone()), escaped(label));
            let _ = write!(html, "{before}<mark class=\"m{colour}\">{inner}<small>{label}</small></mark>");
            rest = range.end;
        }
        html + &part(rest..chars.len())
    }
}

/// Text as it stands in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_whole_and_needs_nothing_else() {
        let mut page = Page::new("A <b>", "x & y");
        page.tiles(&[("examples", "1,234".to_owned())]);
        page.begin_group();
        page.chart("Chart", "<svg></svg>", "note");
        page.table("Table", &[vec!["name".into(), "n".into()], vec!["<i>".into(), "1".into()]]);
        page.list("List", &[vec!["only".into(), "2".into()]]);
        page.end_group();
        page.marked_table("Best", &[vec![("m".into(), false)], vec![("1 < 2".into(), true)]], "note");
        let marks = vec![(2..4, "Drug".into()), (5..6, "ADE".into())];
        let labels = vec!["ADE".into(), "Drug".into()];
        page.texts("Texts", "", &[MarkedText { name: "gold".into(), text: "服用头痛<b".into(), marks, labels }]);
        page.folded("Settings", "{}");
        page.notes("Notes", &["one & only".into()]);
        let html = page.html();
        assert!(html.contains("<td><strong>1 &lt; 2</strong></td>"));
        assert!(html.contains(
            "服用<mark class=\"m1\">头痛<small>Drug</small></mark>&lt;<mark class=\"m0\">b<small>ADE</small></mark>"
        ));
        assert!(
            html.contains("<title>A &lt;b&gt;</title>") && html.contains("x &amp; y") && html.contains("&lt;i&gt;")
        );
        assert!(!html.contains("http") && !html.contains("<script"));
        for tag in ["main", "figure", "div", "dl", "table", "tr", "mark", "details", "ul", "li"] {
            assert_eq!(html.matches(&format!("<{tag}")).count(), html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
