//! Reads the fixtures, writes them back with every head, and computes logits: what
//! `tests/check_transformers.py` compares with `transformers`.
//!
//!     cargo run -p kbioxlm-model --example roundtrip -- OUT_DIR [MODEL_DIR …]
use burn::tensor::{Device, Tensor};
use kbioxlm_model::{DropoutSeeds, Heads, PackedBatch, heads_in, load, save};
use serde_json::json;
use std::error::Error;
use std::path::{Path, PathBuf};

const TEXT: &str = "the patient had a fever 患者咳嗽";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().ok_or("usage: roundtrip OUT_DIR [MODEL_DIR ...]")?);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for layout in ["xlm_roberta", "bert"] {
        for kind in ["mlm", "tokens", "sequence"] {
            let dir = fixtures.join(layout).join(kind);
            write(&dir, &out.join(format!("{layout}-{kind}")), &heads_in(&dir)?)?;
        }
    }
    for (number, dir) in arguments.enumerate() {
        let heads = Heads { mlm: true, prp: true, ..Heads::default() };
        write(Path::new(&dir), &out.join(format!("model-{number}")), &heads)?;
    }
    Ok(())
}

fn write(from: &Path, to: &Path, heads: &Heads) -> Result<(), Box<dyn Error>> {
    let read = load(from, heads, 1, &Device::flex())?;
    let count = heads.tokens.or(heads.sequence);
    let labels: Option<Vec<String>> = count.map(|n| (0..n).map(|i| format!("label {i}")).collect());
    save(to, &read.config, &read.model, &read.tokenizer, labels.as_deref())?;
    let special = read.tokenizer.special();
    let mut ids = vec![special.bos];
    ids.extend(read.tokenizer.encode(TEXT)?.ids);
    ids.push(special.eos);
    let off = &mut DropoutSeeds::off();
    let hidden = read.model.encode(&PackedBatch::from_sequences(&[&ids]), off);
    let logits: Tensor<2> = if heads.tokens.is_some() {
        read.model.token_logits(hidden, off)
    } else if heads.sequence.is_some() {
        read.model.sequence_logits(hidden.narrow(0, 0, 1), off)
    } else {
        read.model.mlm_logits(hidden)
    };
    let logits: Vec<f32> = logits.try_into_vec_as()?;
    let answer = json!({"text": TEXT, "ids": ids, "logits": logits, "labels": labels});
    std::fs::write(to.join("computed.json"), answer.to_string())?;
    println!("{}", to.display());
    Ok(())
}
