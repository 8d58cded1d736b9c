use std::borrow::Cow;

/// A name as it stands on a page: without white space around it; line ends, tabs and several spaces become one space.
pub(crate) fn tidy(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if !text.contains(char::is_control) && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let words = text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}
