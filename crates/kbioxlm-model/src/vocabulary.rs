//! Cutting the vocabulary in `tokenizer.json`.

use crate::{ModelError, Result};
use kbioxlm_files::read_json;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A `tokenizer.json` with a Unigram model, parsed as far as cutting needs.
pub(crate) struct Vocabulary {
    path: PathBuf,
    /// Everything, the pieces taken out.
    document: Map<String, Value>,
    pieces: Vec<(String, f64)>,
    unk_id: usize,
    byte_fallback: bool,
}

impl Vocabulary {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut document: Map<String, Value> = read_json(path, FORMAT)?;
        let model = document.get_mut("model").map(Value::take);
        let Some(Value::Object(mut model)) = model else { return Err(broken(path, "no object `model`")) };
        let kind = model.get("type").and_then(Value::as_str).unwrap_or("of unknown type");
        if kind != "Unigram" {
            return Err(ModelError::content(
                path,
                format!("a model {kind}"),
                "a Unigram model, the only kind whose pieces can be left out without changing how text is split",
                "train with the whole vocabulary",
            ));
        }
        let pieces: Vec<(String, f64)> = take(path, &mut model, "vocab")?;
        let unk_id = take(path, &mut model, "unk_id")?;
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = pieces.iter().find(|(piece, _)| !names.insert(piece)) {
            return Err(broken(path, format!("the piece `{twice}` twice")));
        }
        let byte_fallback = model.get("byte_fallback").and_then(Value::as_bool) == Some(true);
        document.insert("model".into(), Value::Object(model));
        Ok(Self { path: path.to_owned(), document, pieces, unk_id, byte_fallback })
    }

    /// Ids of the tokens added to the model's pieces; most are among these pieces, too.
    fn added(&self) -> impl Iterator<Item = usize> {
        let tokens = self.document.get("added_tokens").and_then(Value::as_array);
        tokens.into_iter().flatten().filter_map(|token| Some(token.get("id")?.as_u64()? as usize))
    }

    /// One more than the largest id.
    pub(crate) fn len(&self) -> usize {
        self.added().map(|id| id + 1).fold(self.pieces.len(), usize::max)
    }

    /// The ids that stay, in ascending order; `used[id]`: a text or the configuration needs the piece.
    ///
    /// A Unigram tokenizer chooses, among all ways to cut a text into pieces of the vocabulary, the one with
    /// the highest sum of scores. A character without a piece of its own may also be cut out as unknown, at
    /// the lowest score of the vocabulary minus a constant. What stays, and why:
    ///
    /// 1. *Pieces that the texts use.* In the smaller vocabulary fewer cuts compete, and the winner of the
    ///    larger one is still among them: the texts are cut as before. (Of equal cuts the first one found wins,
    ///    and leaving out losers does not change which of the winners is found first.)
    /// 2. *A piece with the lowest score.* Otherwise the score of the unknown would rise, and with it could
    ///    beat pieces it lost to before; (1) needs it to stay.
    /// 3. *All pieces of one character.* A character with such a piece is never cut out as unknown: the
    ///    tokenizer considers that for the others only. So the *set* of characters that may become unknown
    ///    is the same before and after.
    /// 4. *All pieces with a character that has no piece of its own.* Wherever such a character was known it
    ///    was inside such a piece; the piece is still there, and all characters around it are covered by (3)
    ///    or by (4): a cut without unknowns exists whenever one existed. SentencePiece's trainer gives every
    ///    character of the vocabulary a piece of its own, so (4) concerns hand-made vocabularies; only there,
    ///    in a text not among `texts`, could the cut without unknowns lose to one with an unknown, because
    ///    the neighbours of the piece are shorter and cost more.
    /// 5. *Byte pieces*, where unknown characters fall back to them; special and added tokens; the unknown piece.
    pub(crate) fn keep(&self, used: &[bool]) -> Vec<u32> {
        let alone: BTreeSet<char> = self.pieces.iter().filter_map(|(piece, _)| single(piece)).collect();
        let added: BTreeSet<usize> = self.added().collect();
        let lowest = self.pieces.iter().enumerate().min_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b));
        let lowest = lowest.map(|(id, _)| id);
        let stays = |id: usize| {
            let needed = used.get(id).copied().unwrap_or(false) || added.contains(&id) || id == self.unk_id;
            needed
                || Some(id) == lowest
                || self.pieces.get(id).is_some_and(|(piece, _)| {
                    single(piece).is_some()
                        || piece.chars().any(|c| !alone.contains(&c))
                        || self.byte_fallback && is_byte(piece)
                })
        };
        (0..self.len()).filter(|&id| stays(id)).map(|id| id as u32).collect()
    }

    /// The tokenizer with the pieces `kept` only, as JSON; ids are the positions in `kept`.
    pub(crate) fn cut(mut self, kept: &[u32]) -> Result<String> {
        let path = self.path.clone();
        let renumber = |value: &mut Value| {
            let new = value.as_u64().and_then(|old| kept.binary_search(&u32::try_from(old).ok()?).ok());
            *value = new.ok_or_else(|| unknown_id(&path, value))?.into();
            Ok::<_, ModelError>(())
        };
        let mut unk = Value::from(self.unk_id);
        renumber(&mut unk)?;
        let pieces = kept.iter().filter_map(|&old| self.pieces.get(old as usize));
        let pieces = pieces.map(|(piece, score)| json!([piece, rereadable(*score)])).collect();
        if let Some(Value::Object(model)) = self.document.get_mut("model") {
            model.insert("vocab".into(), pieces);
            model.insert("unk_id".into(), unk);
        }
        let added = self.document.get_mut("added_tokens").and_then(Value::as_array_mut);
        added.into_iter().flatten().filter_map(|token| token.get_mut("id")).try_for_each(renumber)?;
        if let Some(processor) = self.document.get_mut("post_processor") {
            renumber_processor(processor, &renumber)?;
        }
        self.document.get_mut("padding").and_then(|p| p.get_mut("pad_id")).map_or(Ok(()), renumber)?;
        serde_json::to_string(&self.document).map_err(|e| broken(&path, e.to_string()))
    }
}

/// The number whose decimal digits are read as `score` again.
///
/// serde_json's reader (the tokenizer's, too) rounds to a neighbour now and then, and a score that moves by a last
/// digit can change the choice between two segmentations of almost equal score.
fn rereadable(score: f64) -> f64 {
    let reads_as_score = |candidate: &f64| {
        let text = serde_json::to_string(candidate).unwrap_or_default();
        serde_json::from_str::<f64>(&text).is_ok_and(|read| read == score)
    };
    let neighbours =
        [score, score.next_up(), score.next_down(), score.next_up().next_up(), score.next_down().next_down()];
    neighbours.into_iter().find(reads_as_score).unwrap_or(score)
}

/// Ids in the post-processor: HF's template, RoBERTa and BERT processors, alone or in sequence.
fn renumber_processor(processor: &mut Value, renumber: &impl Fn(&mut Value) -> Result<()>) -> Result<()> {
    for name in ["sep", "cls"] {
        processor.get_mut(name).and_then(|pair| pair.get_mut(1)).map_or(Ok(()), renumber)?;
    }
    if let Some(tokens) = processor.get_mut("special_tokens").and_then(Value::as_object_mut) {
        for ids in tokens.values_mut().filter_map(|token| token.get_mut("ids")?.as_array_mut()) {
            ids.iter_mut().try_for_each(renumber)?;
        }
    }
    if let Some(parts) = processor.get_mut("processors").and_then(Value::as_array_mut) {
        parts.iter_mut().try_for_each(|part| renumber_processor(part, renumber))?;
    }
    Ok(())
}

pub(crate) fn unknown_id(path: &Path, id: &Value) -> ModelError {
    let help = "check that the tokenizer and config.json belong together";
    ModelError::content(path, format!("the id {id}"), "the id of a piece of the vocabulary", help)
}

/// The character of a piece that has only one.
fn single(piece: &str) -> Option<char> {
    let mut chars = piece.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// `<0x0A>`
fn is_byte(piece: &str) -> bool {
    piece.strip_prefix("<0x").and_then(|p| p.strip_suffix('>')).is_some_and(|hex| u8::from_str_radix(hex, 16).is_ok())
}

const FORMAT: &str = "a tokenizer in HF's format";

fn broken(path: &Path, found: impl Into<String>) -> ModelError {
    ModelError::content(path, found, FORMAT, "restore the file from where it came from")
}

fn take<T: DeserializeOwned>(path: &Path, object: &mut Map<String, Value>, key: &str) -> Result<T> {
    let value = object.remove(key).ok_or_else(|| broken(path, format!("no key `{key}`")))?;
    serde_json::from_value(value).map_err(|e| broken(path, format!("{e} under the key `{key}`")))
}
