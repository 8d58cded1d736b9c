//! `tokenizer.json`, as far as it is understood.

use crate::charsmap::Charsmap;
use crate::normalize::{Mapping, Normalizer};
use crate::trie::MAX_PIECES;
use crate::viterbi::METASPACE;
use crate::words::{Mark, Splitter};
use crate::{LoadError, unsupported};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// Scores beyond this could add up to infinity.
const MAX_SCORE: f64 = 1e100;

/// The parts of a tokenizer.
pub(crate) struct Parts {
    pub(crate) normalizer: Normalizer,
    pub(crate) splitter: Splitter,
    pub(crate) pieces: Vec<(String, f64)>,
    pub(crate) unknown: u32,
    pub(crate) byte_fallback: bool,
    /// Special tokens, most of which are among the pieces.
    pub(crate) special: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: ModelFile,
}

#[derive(Deserialize)]
struct AddedToken {
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct ModelFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: Vocab,
    unk_id: Option<usize>,
    #[serde(default)]
    byte_fallback: bool,
}

/// The pieces of a Unigram model are a list, those of all others an object.
enum Vocab {
    List(Vec<(String, f64)>),
    Other,
}

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pieces;

        impl<'de> Visitor<'de> for Pieces {
            type Value = Vocab;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vocab, A::Error> {
                let mut pieces = Vec::new();
                while let Some(piece) = list.next_element()? {
                    pieces.push(piece);
                }
                Ok(Vocab::List(pieces))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Vocab, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Vocab::Other)
            }
        }

        deserializer.deserialize_any(Pieces)
    }
}

pub(crate) fn read(json: &str) -> Result<Parts, LoadError> {
    let file: File = serde_json::from_str(json).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => unsupported(e.to_string()),
        _ => LoadError::Broken { found: e.to_string(), expected: "JSON" },
    })?;
    if let Some(version) = file.version.filter(|version| version != "1.0") {
        return Err(unsupported(format!("version {version}")));
    }
    if let Some(token) = file.added_tokens.iter().find(|token| !token.special) {
        return Err(unsupported(format!("the added token `{}`, which is not special", token.content)));
    }
    check_post_processor(file.post_processor.as_ref())?;
    let (normalizer, spaces_become_marks) = normalizer(file.normalizer.as_ref())?;
    let splitter = splitter(file.pre_tokenizer.as_ref(), normalizer.collapse_spaces)?;
    if spaces_become_marks && splitter.split_whitespace {
        return Err(unsupported("spaces that become ▁ before text is split at white space"));
    }
    let ModelFile { kind, vocab, unk_id, byte_fallback } = file.model;
    let Vocab::List(pieces) = vocab else { return Err(unsupported("a vocabulary that is no list")) };
    if kind.as_deref() != Some("Unigram") {
        return Err(unsupported(format!("a model {}", kind.as_deref().unwrap_or("without type"))));
    }
    let unknown = unk_id.ok_or_else(|| unsupported("a model without unknown piece"))?;
    if unknown >= pieces.len() {
        return Err(LoadError::Broken {
            found: format!("unk_id {unknown} among {} pieces", pieces.len()),
            expected: "the id of a piece",
        });
    }
    if pieces.len() > MAX_PIECES {
        return Err(unsupported(format!("{} pieces", pieces.len())));
    }
    if let Some((piece, score)) = pieces.iter().find(|(_, score)| score.abs() > MAX_SCORE) {
        return Err(unsupported(format!("the score {score} of `{piece}`")));
    }
    let special = file.added_tokens.into_iter().map(|token| token.content).collect();
    Ok(Parts { normalizer, splitter, pieces, unknown: unknown as u32, byte_fallback, special })
}

fn type_of(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or("unknown")
}

/// The members of a sequence, of sequences in it, and so on.
fn flatten<'a>(value: &'a Value, key: &str, steps: &mut Vec<&'a Value>) -> Result<(), LoadError> {
    if type_of(value) != "Sequence" {
        steps.push(value);
        return Ok(());
    }
    let parts =
        value.get(key).and_then(Value::as_array).ok_or_else(|| unsupported(format!("a sequence without {key}")))?;
    parts.iter().try_for_each(|part| flatten(part, key, steps))
}

fn flag(value: &Value, key: &str) -> Result<Option<bool>, LoadError> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(unsupported(format!("`{key}`: {other}"))),
    }
}

/// Besides the normaliser: whether several spaces become `▁` and not one space.
fn normalizer(value: Option<&Value>) -> Result<(Normalizer, bool), LoadError> {
    let mut found =
        Normalizer { mapping: Mapping::None, strip_left: false, strip_right: false, collapse_spaces: false };
    let mut become_marks = false;
    let mut steps = Vec::new();
    if let Some(value) = value {
        flatten(value, "normalizers", &mut steps)?;
    }
    // The order in which `Normalizer` works, each step once.
    let mut done = 0;
    for step in steps {
        let kind = type_of(step);
        let place = match kind {
            "Precompiled" | "NFKC" => 1,
            "Strip" => 2,
            "Replace" => 3,
            _ => return Err(unsupported(format!("the normaliser {kind}"))),
        };
        if place <= done {
            return Err(unsupported(format!("the normaliser {kind} after another")));
        }
        done = place;
        match kind {
            "NFKC" => found.mapping = Mapping::Nfkc,
            "Precompiled" => {
                let table = step.get("precompiled_charsmap").and_then(Value::as_str);
                let table = table.ok_or_else(|| unsupported("no precompiled_charsmap"))?;
                found.mapping = Mapping::charsmap(Charsmap::from_base64(table)?);
            }
            "Strip" => {
                let side = |key| flag(step, key)?.ok_or_else(|| unsupported(format!("no `{key}`")));
                (found.strip_left, found.strip_right) = (side("strip_left")?, side("strip_right")?);
            }
            _ => {
                let pattern = step.get("pattern").and_then(|pattern| pattern.get("Regex")).and_then(Value::as_str);
                let content = step.get("content").and_then(Value::as_str);
                become_marks = content == Some("▁");
                if pattern != Some(" {2,}") || !(become_marks || content == Some(" ")) {
                    return Err(unsupported(format!("the replacement {step}")));
                }
                found.collapse_spaces = true;
            }
        }
    }
    Ok((found, become_marks))
}

fn splitter(value: Option<&Value>, collapse_spaces: bool) -> Result<Splitter, LoadError> {
    let mut steps = Vec::new();
    if let Some(value) = value {
        flatten(value, "pretokenizers", &mut steps)?;
    }
    let kinds: Vec<&str> = steps.iter().map(|step| type_of(step)).collect();
    let (split_whitespace, metaspace) = match kinds[..] {
        ["Metaspace"] => (false, steps[0]),
        ["WhitespaceSplit", "Metaspace"] => (true, steps[1]),
        _ => return Err(unsupported(format!("the pre-tokenizers {kinds:?}"))),
    };
    if metaspace.get("replacement").and_then(Value::as_str) != Some(METASPACE.encode_utf8(&mut [0; 4])) {
        return Err(unsupported("a Metaspace that is not ▁"));
    }
    if flag(metaspace, "split")? == Some(false) {
        return Err(unsupported("a Metaspace that does not split"));
    }
    let mark = match metaspace.get("prepend_scheme").map(Value::as_str) {
        None | Some(Some("always")) => Mark::All,
        Some(Some("first")) => Mark::First,
        Some(Some("never")) => Mark::None,
        Some(_) => return Err(unsupported("an unknown prepend_scheme")),
    };
    if flag(metaspace, "add_prefix_space")? == Some(false) && mark != Mark::None {
        return Err(unsupported("an add_prefix_space that contradicts prepend_scheme"));
    }
    Ok(Splitter { split_whitespace, collapse_spaces, mark })
}

/// Without special tokens, which are added elsewhere, these leave a sequence alone.
fn check_post_processor(value: Option<&Value>) -> Result<(), LoadError> {
    let Some(value) = value else { return Ok(()) };
    let is_neutral = match type_of(value) {
        "BertProcessing" => true,
        "TemplateProcessing" => {
            let single = value.get("single").and_then(Value::as_array);
            let sequences = single.into_iter().flatten().filter_map(|piece| piece.get("Sequence"));
            sequences.map(|sequence| sequence.get("id").and_then(Value::as_str)).eq([Some("A")])
        }
        _ => false,
    };
    if is_neutral { Ok(()) } else { Err(unsupported(format!("the post-processor {}", type_of(value)))) }
}
