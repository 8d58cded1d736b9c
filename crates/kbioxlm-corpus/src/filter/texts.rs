//! Benchmarks and other texts as they lie on disk: the formats of benchmarks, or plain.

use crate::Result;
use kbioxlm_benchmarks::{Format as Benchmark, read_benchmark_texts};
use kbioxlm_files::{FileError, Lines};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

#[derive(Deserialize)]
struct Row {
    id: Option<Value>,
    text: String,
}

#[derive(Copy, Clone)]
enum Format {
    /// An object with `text` a line.
    Jsonl,
    /// A token a line, before a tab. Documents begin with `-DOCSTART-` or, if there is none, after an empty line.
    Conll,
    /// A text a line.
    Plain,
}

impl Format {
    fn of(first_line: &str) -> Self {
        let is_tag = |tag: &str| matches!(tag, "O") || tag.starts_with("B-") || tag.starts_with("I-");
        match first_line.trim_start().split_once('\t') {
            Some(("-DOCSTART-", _)) => Self::Conll,
            Some((_, rest)) if rest.rsplit('\t').next().is_some_and(|tag| is_tag(tag.trim_end())) => Self::Conll,
            _ if first_line.trim_start().starts_with('{') => Self::Jsonl,
            _ => Self::Plain,
        }
    }
}

/// Calls `each` with the id and the text of everything in a file; without an id it is the number of the line.
/// The format is told by the first line; a directory is one of BRAT standoff.
///
/// # Errors
/// The file cannot be read, or a line is not what the first one promised.
pub(crate) fn read(path: &Path, mut each: impl FnMut(&str, &str)) -> Result<()> {
    // JSONL and CoNLL are read below, as leniently as plain text: ids and tags do not matter here.
    if let Benchmark::Brat | Benchmark::PubTator | Benchmark::Bioc = Benchmark::of(path)? {
        read_benchmark_texts(path)?.iter().for_each(|(id, text)| each(id, text));
        return Ok(());
    }
    let mut lines = Lines::open(path)?;
    let mut format = None;
    let mut document = Tokens::default();
    while let Some((number, line)) = lines.next_line()? {
        if line.trim().is_empty() {
            document.end_sentence(&mut each);
            continue;
        }
        match *format.get_or_insert_with(|| Format::of(line)) {
            Format::Jsonl => {
                let row: Row = serde_json::from_str(line).map_err(|e| {
                    let help = "correct or remove this line";
                    FileError::content(path, number, e.to_string(), r#"an object with the string "text""#, help)
                })?;
                let id = match row.id {
                    Some(Value::String(id)) => id,
                    Some(id) => id.to_string(),
                    None => number.to_string(),
                };
                each(&id, &row.text);
            }
            Format::Plain => each(&number.to_string(), line),
            Format::Conll => match line.split_once('\t') {
                Some(("-DOCSTART-", id)) => document.begin(id.trim(), &mut each),
                Some((token, _)) => document.push(token, number),
                None => {
                    let found = format!("`{}` without a tab", line.chars().take(40).collect::<String>());
                    let help = "correct or remove this line";
                    return Err(FileError::content(path, number, found, "`token<TAB>tag`", help).into());
                }
            },
        }
    }
    document.end(&mut each);
    Ok(())
}

/// A document of a CoNLL file. Its tokens are joined by spaces in any script: where texts are compared, these do not count.
#[derive(Default)]
struct Tokens {
    /// Declared by `-DOCSTART-`; such a document ends where the next begins, any other at an empty line.
    declared: bool,
    id: String,
    text: String,
}

impl Tokens {
    fn begin(&mut self, id: &str, each: &mut impl FnMut(&str, &str)) {
        self.end(each);
        self.declared = true;
        id.clone_into(&mut self.id);
    }

    fn push(&mut self, token: &str, line: usize) {
        if self.text.is_empty() && !self.declared {
            self.id = line.to_string();
        }
        self.text.push_str(token);
        self.text.push(' ');
    }

    fn end_sentence(&mut self, each: &mut impl FnMut(&str, &str)) {
        if !self.declared {
            self.end(each);
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&str, &str)) {
        if !self.text.is_empty() {
            each(&self.id, &self.text);
            self.text.clear();
        }
    }
}
