use std::borrow::Cow;

/// A name as it stands on a page: without white space around it; line ends, tabs and several spaces become one space.
pub(crate) fn tidy(text: &str) -> Cow<'_, str> {
    // Together: white space beyond ASCII may be behind a control character, and the other way round.
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if !text.contains(char::is_control) && !text.contains("  ") {
        return Cow::Borrowed(text);
    }
    let words = text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unseen_is_left_around_a_name() {
        assert_eq!(tidy(" a\tb \r\n c "), "a b c");
        assert_eq!(tidy("\0 \u{a0}\u{c}a\u{a0}b\u{c}\0\u{a0}\0"), "a\u{a0}b");
        assert_eq!(tidy("\0\u{a0}\u{2028}\u{85}"), "");
    }
}
