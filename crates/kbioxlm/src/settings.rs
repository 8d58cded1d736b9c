//! TOML settings with `--set key=value` overrides and `NAME=FILE` arguments.

use anyhow::{Context, Result, bail};
use documented::DocumentedFields;
use kbioxlm_files::FileError;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Reads `file` (or starts from nothing) and lays the overrides (`a.b=value`) over it.
///
/// Unknown keys are errors of the type that is read: it denies unknown fields.
pub fn read<T: DeserializeOwned>(file: Option<&Path>, overrides: &[String]) -> Result<T> {
    let table = table(file, overrides)?;
    parse(table, file)
}

/// As [`read`], but the table itself, for callers that lay arguments over it.
pub fn table(file: Option<&Path>, overrides: &[String]) -> Result<Table> {
    let mut table = file.map_or_else(|| Ok(Table::new()), file_table)?;
    set_all(&mut table, overrides)?;
    Ok(table)
}

/// A TOML file.
pub fn file_table(path: &Path) -> Result<Table> {
    let text = kbioxlm_files::read_text(path)?;
    Ok(text.parse::<Table>().map_err(|e| {
        let line = e.span().map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        FileError::content(path, line, e.message().to_owned(), "a TOML file", "correct this line")
    })?)
}

/// Lays overrides (`a.b=value`) over a table.
pub fn set_all(table: &mut Table, overrides: &[String]) -> Result<()> {
    overrides.iter().try_for_each(|assignment| set(table, assignment))
}

/// Turns a table into settings; `file` is named in the error.
pub fn parse<T: DeserializeOwned>(table: Table, file: Option<&Path>) -> Result<T> {
    let place = file.map_or_else(|| "the settings given".to_owned(), |f| f.display().to_string());
    Value::Table(table).try_into().with_context(|| format!("{place}: a key or value is not what it should be"))
}

/// The keys of some settings and their defaults, for the help of a command.
pub fn defaults(title: &str, settings: &impl serde::Serialize) -> String {
    // Settings are made of plain values: if they could not be written, the help would do without.
    let text = toml::to_string(settings).unwrap_or_default();
    let lines: String = text.lines().map(|line| format!("  {line}\n")).collect();
    format!("{title}:\n{lines}")
}

/// As [`defaults`], each key below what its documentation says: what it does stands in one place.
pub fn described<T: serde::Serialize + DocumentedFields>(title: &str, settings: &T) -> String {
    let table = Table::try_from(settings).unwrap_or_default();
    let mut text = format!("{title}:\n");
    for (key, documentation) in T::FIELD_NAMES.iter().zip(T::FIELD_DOCS) {
        for line in documentation.split("\n\n").flat_map(wrapped) {
            text += &format!("  # {line}\n");
        }
        match table.get(*key) {
            Some(value) => text += &format!("  {key} = {value}\n"),
            None => text += &format!("  # {key} is not set\n"),
        }
    }
    text
}

/// A paragraph in lines that fit beside `  # `: the help of a command is never wider than 100 columns.
fn wrapped(paragraph: &str) -> Vec<String> {
    const WIDTH: usize = 96;
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// `a.b=value`: the value is TOML, or else taken as a string.
fn set(table: &mut Table, assignment: &str) -> Result<()> {
    let Some((key, text)) = assignment.split_once('=') else {
        bail!("--set {assignment}: expected KEY=VALUE, for example --set train.learning_rate=5e-5");
    };
    let value = format!("v = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let mut path: Vec<&str> = key.split('.').collect();
    let last = path.pop().unwrap_or(key);
    let mut inner = table;
    for part in path {
        let entry = inner.entry(part).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(next) = entry else {
            bail!("--set {assignment}: `{part}` is a value, not a section");
        };
        inner = next;
    }
    inner.insert(last.to_owned(), value);
    Ok(())
}

/// `NAME=FILE`, as in `en=abstracts.jsonl`, `en-zh=passages.jsonl` or `test=test.conll`.
pub fn named_file(argument: &str) -> Result<(String, PathBuf), String> {
    match argument.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), PathBuf::from(file))),
        _ => Err("expected NAME=FILE, for example en=abstracts.jsonl or test=test.conll".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_with_what_they_do() {
        #[derive(serde::Serialize, DocumentedFields)]
        struct Settings {
            /// How fast.
            ///
            /// In metres.
            speed: f64,
            /// How far, told in so many words that they do not fit into one line of a help that is at most a hundred
            /// columns wide.
            limit: Option<u64>,
            /// Where to.
            place: Train,
        }
        let settings = Settings { speed: 2.0, limit: None, place: Train { rate: 0.5 } };
        let expected = "Keys:\n  # How fast.\n  # In metres.\n  speed = 2.0\n  # How far, told in so many words that they do \
                        not fit into one line of a help that is at most a\n  # hundred columns wide.\n  # limit is not set\n  \
                        # Where to.\n  place = { rate = 0.5 }\n";
        assert_eq!(described("Keys", &settings), expected);
    }

    #[derive(serde::Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        name: String,
        train: Train,
    }

    #[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Train {
        rate: f64,
    }

    fn overrides(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn overrides_reach_nested_keys_and_plain_strings() {
        let settings: Settings = read(None, &overrides(&["name=small run", "train.rate=5e-5"])).unwrap();
        assert_eq!(settings, Settings { name: "small run".into(), train: Train { rate: 5e-5 } });
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let result: Result<Settings> = read(None, &overrides(&["name=a", "train.rate=1.0", "train.rat=2"]));
        assert!(format!("{:#}", result.unwrap_err()).contains("rat"));
    }

    #[test]
    fn a_section_cannot_replace_a_value() {
        let error = table(None, &overrides(&["a=1", "a.b=2"])).unwrap_err().to_string();
        assert!(error.contains("`a` is a value"), "{error}");
    }
}
