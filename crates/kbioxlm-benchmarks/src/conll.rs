//! CoNLL files as running text with offsets.

use crate::annotated::Simplified;
use crate::bio::{Orphan, Tag, TokenSpan, spans};
use kbioxlm_files::{FileError, Lines};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::Path;

/// What stands between two tokens of the running text.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// Decided per file: nothing if most tokens are single Han or kana characters, else a space.
    #[default]
    Auto,
    /// A space (languages that write spaces).
    Space,
    /// Nothing (Chinese, Japanese).
    Nothing,
}

impl std::str::FromStr for Join {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "space" => Ok(Self::Space),
            "nothing" => Ok(Self::Nothing),
            _ => Err(format!("found `{text}`, expected auto, space or nothing")),
        }
    }
}

/// A token and its place in the running text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Byte range in [`Document::text`].
    pub bytes: Range<usize>,
    /// Character range in [`Document::text`].
    pub chars: Range<usize>,
    /// Gold tag.
    pub tag: Tag,
    /// Line of the file, from 1.
    pub line: usize,
}

/// A document: its text, tokens and gold entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Id, in CoNLL after `-DOCSTART-`; the number of the sentence (from 1) in files without such lines.
    pub id: String,
    /// Running text; of CoNLL tokens and sentences joined.
    pub text: String,
    /// All tokens.
    pub tokens: Vec<Token>,
    /// Token ranges of the sentences; they cover all tokens.
    pub sentences: Vec<Range<usize>>,
    /// Gold entities as token ranges; an orphaned `I-` tag opens one.
    pub entities: Vec<TokenSpan>,
}

impl Document {
    /// Byte range of a range of tokens (not empty, within the document).
    pub fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        self.tokens[tokens.start].bytes.start..self.tokens[tokens.end - 1].bytes.end
    }

    /// Character range of a range of tokens (not empty, within the document).
    pub fn chars(&self, tokens: &Range<usize>) -> Range<usize> {
        self.tokens[tokens.start].chars.start..self.tokens[tokens.end - 1].chars.end
    }
}

/// Documents with entities: a CoNLL file, or what a file of another format would be as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conll {
    /// Documents in the order of the file; each has at least one token.
    pub documents: Vec<Document>,
    /// `I-` tags that do not continue an entity of their type. They open one, as in conlleval.
    pub orphans: usize,
    /// What was put between two tokens of CoNLL: `""` or `" "`.
    pub joiner: &'static str,
    /// Entities that the tags do not have as the file has them (never in CoNLL, where tags are all there is).
    pub simplified: Simplified,
}

const HELP: &str =
    "write one `token<TAB>tag` a line, a blank line after each sentence, and `-DOCSTART-<TAB>id` before each document";

struct Line {
    number: usize,
    token: String,
    tag: Tag,
}

type Sentence = Vec<Line>;

/// Reads a CoNLL file: `-DOCSTART-<TAB>id` before each document, `token<TAB>tag` lines, a blank line after
/// each sentence. In a file without `-DOCSTART-` lines each sentence is a document.
///
/// # Errors
/// The file cannot be read, is empty, not UTF-8, or a line is neither of these; nothing is guessed.
pub fn read_conll(path: &Path, join: Join) -> Result<Conll, FileError> {
    read(path, Lines::open(path)?, join)
}

/// Writes documents as [`read_conll`] reads them, each with its `-DOCSTART-` line.
///
/// # Errors
/// Those of `out`.
pub fn write_conll<'a>(out: &mut dyn Write, documents: impl Iterator<Item = &'a Document>) -> std::io::Result<()> {
    for document in documents {
        writeln!(out, "-DOCSTART-\t{}\n", document.id)?;
        for sentence in &document.sentences {
            for token in document.tokens.get(sentence.clone()).unwrap_or_default() {
                writeln!(out, "{}\t{}", document.text.get(token.bytes.clone()).unwrap_or_default(), token.tag)?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path, lines: Lines<impl BufRead>, join: Join) -> Result<Conll, FileError> {
    let raw = read_raw(path, lines)?;
    let joiner = match join {
        Join::Space => " ",
        Join::Nothing => "",
        Join::Auto => {
            let tokens = || raw.iter().flat_map(|(_, sentences)| sentences.iter().flatten());
            let unspaced = tokens().filter(|line| is_unspaced(&line.token)).count();
            if 2 * unspaced > tokens().count() { "" } else { " " }
        }
    };
    let mut orphans = 0;
    let documents = raw.into_iter().map(|(id, sentences)| assemble(id, sentences, joiner, &mut orphans)).collect();
    Ok(Conll { documents, orphans, joiner, simplified: Simplified::default() })
}

fn read_raw(path: &Path, lines: Lines<impl BufRead>) -> Result<Vec<(String, Vec<Sentence>)>, FileError> {
    let error = |line: usize, found: String, expected: &str| FileError::content(path, line, found, expected, HELP);
    let mut documents: Vec<(String, Vec<Sentence>)> = Vec::new();
    let mut declared: Option<bool> = None; // whether documents are declared by -DOCSTART- lines
    let mut start = 0; // line of the last -DOCSTART-
    let mut open = false; // whether the last sentence goes on
    for line in lines {
        let (number, line) = line?;
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        let (token, tag) = match line.split('\t').collect::<Vec<_>>()[..] {
            [token, tag] if !token.trim().is_empty() => (token, tag),
            [_, _] => return Err(error(number, "an empty token".into(), "a token before the tab")),
            _ if line.contains('\t') => {
                return Err(error(number, format!("{} tabs", line.matches('\t').count()), "one tab"));
            }
            _ => return Err(error(number, format!("`{}` without a tab", abridged(&line)), "`token<TAB>tag`")),
        };
        if token == "-DOCSTART-" {
            if declared == Some(false) {
                return Err(error(
                    number,
                    "a -DOCSTART- line after tokens without one".into(),
                    "one before every document",
                ));
            }
            if tag.trim().is_empty() {
                return Err(error(number, "-DOCSTART- without an id".into(), "an id after the tab"));
            }
            check_tokens(path, &documents, start)?;
            (declared, start, open) = (Some(true), number, false);
            documents.push((tag.to_owned(), Vec::new()));
            continue;
        }
        let tag =
            tag.parse().map_err(|_| error(number, format!("the tag `{}`", abridged(tag)), "O, B-type or I-type"))?;
        if *declared.get_or_insert(false) {
            if let (false, Some((_, sentences))) = (open, documents.last_mut()) {
                sentences.push(Vec::new());
            }
        } else if !open {
            documents.push(((documents.len() + 1).to_string(), vec![Vec::new()]));
        }
        open = true;
        if let Some(sentence) = documents.last_mut().and_then(|(_, sentences)| sentences.last_mut()) {
            sentence.push(Line { number, token: token.to_owned(), tag });
        }
    }
    if documents.is_empty() {
        return Err(FileError::content(
            path,
            None,
            "no tokens (an empty file)",
            "a CoNLL file",
            "check that the file was written completely",
        ));
    }
    check_tokens(path, &documents, start)?;
    Ok(documents)
}

fn check_tokens(path: &Path, documents: &[(String, Vec<Sentence>)], line: usize) -> Result<(), FileError> {
    match documents.last() {
        Some((id, sentences)) if sentences.is_empty() => Err(FileError::content(
            path,
            line,
            format!("document `{id}` without tokens"),
            "at least one token",
            "remove the -DOCSTART- line or add the document's tokens",
        )),
        _ => Ok(()),
    }
}

fn assemble(id: String, sentences: Vec<Sentence>, joiner: &str, orphans: &mut usize) -> Document {
    let mut document =
        Document { id, text: String::new(), tokens: Vec::new(), sentences: Vec::new(), entities: Vec::new() };
    let mut chars = 0;
    for sentence in sentences {
        let first = document.tokens.len();
        for Line { number, token, tag } in sentence {
            if !document.tokens.is_empty() {
                document.text.push_str(joiner);
                chars += joiner.len();
            }
            let (byte, char) = (document.text.len(), chars);
            document.text.push_str(&token);
            chars += token.chars().count();
            let bytes = byte..document.text.len();
            document.tokens.push(Token { bytes, chars: char..chars, tag, line: number });
        }
        let range = first..document.tokens.len();
        let tags: Vec<Tag> = document.tokens[range.clone()].iter().map(|t| t.tag.clone()).collect();
        let (found, without_start) = spans(&tags, first, Orphan::Opens);
        document.entities.extend(found);
        document.sentences.push(range);
        *orphans += without_start;
    }
    document
}

/// Whether a token is one character of a script written without spaces. (Korean writes spaces.)
fn is_unspaced(token: &str) -> bool {
    let mut chars = token.chars();
    matches!(
        (chars.next(), chars.next()),
        (
            Some(
                '\u{3000}'..='\u{30ff}'
                | '\u{3400}'..='\u{9fff}'
                | '\u{f900}'..='\u{faff}'
                | '\u{ff00}'..='\u{ffef}'
                | '\u{20000}'..='\u{3ffff}',
            ),
            None,
        )
    )
}

/// At most 40 characters, for a message.
pub(crate) fn abridged(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: impl AsRef<[u8]>) -> Result<Conll, FileError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        read_conll(file.path(), Join::Auto)
    }

    #[test]
    fn documents_become_running_text_with_offsets() {
        let file = read("-DOCSTART-\ta1\n\nAspirin\tB-Drug\nhelps\tO\n.\tO\n\nNausée\tI-ADE\nsévère\tI-ADE\n\n-DOCSTART-\ta2\n\nNo\tO\n").unwrap();
        assert_eq!((file.documents.len(), file.orphans, file.joiner), (2, 1, " "));
        let document = &file.documents[0];
        assert_eq!(document.text, "Aspirin helps . Nausée sévère");
        assert_eq!(document.sentences, [0..3, 3..5]);
        for token in &document.tokens {
            let by_chars: String = document.text.chars().skip(token.chars.start).take(token.chars.len()).collect();
            assert_eq!(document.text[token.bytes.clone()], by_chars);
        }
        assert_eq!(document.entities[1], TokenSpan { label: "ADE".into(), start: 3, end: 5 });
        assert_eq!(&document.text[document.bytes(&(3..5))], "Nausée sévère");
        assert_eq!(document.chars(&(3..5)), 16..29);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let content = "-DOCSTART-\ta1\n\nAspirin\tB-Drug\n.\tO\n\nNausée\tI-ADE\n\n-DOCSTART-\ta2\n\nNo\tO\n\n";
        let mut written = Vec::new();
        write_conll(&mut written, read(content).unwrap().documents.iter()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), content);
    }

    #[test]
    fn chinese_is_joined_without_spaces_and_sentences_are_documents_without_docstart() {
        let file = read("停\tO\nIL-2\tB-Drug\n后\tO\n，\tO\n\n头\tB-ADE\n痛\tI-ADE\n\n").unwrap();
        assert_eq!(file.joiner, "");
        assert_eq!(
            file.documents.iter().map(|d| (d.id.as_str(), d.text.as_str())).collect::<Vec<_>>(),
            [("1", "停IL-2后，"), ("2", "头痛")]
        );
        assert_eq!(file.documents[0].tokens[1].chars, 1..5);
    }

    #[test]
    fn entities_do_not_cross_sentences() {
        let file = read("-DOCSTART-\t1\n\na\tB-X\n\nb\tI-X\n").unwrap();
        assert_eq!(file.documents[0].entities.len(), 2);
    }

    /// Trap 12: a file that fails to parse was read again as another format, so wrong data trained silently.
    #[test]
    fn trap_12_a_parse_error_stops_with_its_line_and_no_other_format_is_tried() {
        let cases: [(&[u8], &str); 10] = [
            (b"a\tO\nb B-X\n", ":2: found `b B-X` without a tab"),
            (b"{\"id\": \"1\", \"text\": \"a\"}\n", ":1: found `{"),
            (b"a\tO\nb\tX-Drug\n", ":2: found the tag `X-Drug`"),
            (b"a\tB-\n", ":1: found the tag `B-`"),
            (b"a\tNN\tO\n", ":1: found 2 tabs"),
            (b"a\tO\n\xff\tO\n", ":2: found byte 0xff"),
            (b"", "found no tokens"),
            (b"-DOCSTART-\t1\n\n-DOCSTART-\t2\n\na\tO\n", ":1: found document `1` without tokens"),
            (b"a\tO\n\n-DOCSTART-\t2\n\na\tO\n", ":3: found a -DOCSTART- line after"),
            (b"a\tO\n \tO\n", ":2: found an empty token"),
        ];
        for (content, expected) in cases {
            let message = read(content).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\nlacks {expected}");
        }
    }
}
