use crate::checkpoint::Identity;
use crate::data::Corpora;
use crate::{Precision, PretrainConfig, PretrainInput, TrainError};
use burn::tensor::Device;
use kbioxlm_files::{hash_bytes, hash_file};
use kbioxlm_knowledge::KnowledgeBase;
use kbioxlm_model::{ModelConfig, TOKENIZER_FILE, Tokenizer, WEIGHTS_FILE, has_bf16};
use std::path::Path;

/// What a run is made of, before anything is computed from it.
pub(crate) struct Sources<'a> {
    pub(crate) corpora: Corpora<'a>,
    pub(crate) knowledge: Option<KnowledgeBase>,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) run: Identity,
}

impl<'a> Sources<'a> {
    /// # Errors
    /// Settings that cannot work or do not fit the model, or input that cannot be read.
    pub(crate) fn open(
        config: &PretrainConfig,
        input: &PretrainInput<'a>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        config.check()?;
        let longest = ModelConfig::read(input.model)?.max_length();
        if config.max_length > longest {
            return Err(TrainError::Setting {
                key: "max_length",
                found: config.max_length.to_string(),
                expected: format!("at most {longest}, the longest input of {}", input.model.display()),
                help: "lower it".to_owned(),
            });
        }
        if config.precision == Precision::Bf16 && !has_bf16(device) {
            return Err(TrainError::Setting {
                key: "precision",
                found: "bf16".to_owned(),
                expected: "f32, because the device does not compute in bf16".to_owned(),
                help: "choose a device that does (`--device cuda` on a GPU of NVIDIA's since Ampere), or leave it out"
                    .to_owned(),
            });
        }
        let corpora = Corpora::open(input.corpora)?;
        let knowledge = open_knowledge(config, input)?;
        let run = Identity {
            config: config.clone(),
            model: hash_model(input.model)?,
            corpus: corpora.hash(),
            weights: corpora.weights(),
            knowledge: knowledge.as_ref().map(|kb| kb.hash().to_owned()),
        };
        Ok(Self { corpora, knowledge, tokenizer: Tokenizer::load(input.model)?, run })
    }
}

/// # Errors
/// Retrieval or alignment without a knowledge base, or one that cannot be read.
fn open_knowledge(config: &PretrainConfig, input: &PretrainInput<'_>) -> Result<Option<KnowledgeBase>, TrainError> {
    let wants = [("retrieval", config.retrieval.is_some()), ("alignment", config.alignment.is_some())];
    match (wants.into_iter().find(|(_, wanted)| *wanted), input.knowledge) {
        (None, _) => Ok(None),
        (Some(_), Some(dir)) => Ok(Some(KnowledgeBase::open(dir)?)),
        (Some((key, _)), None) => Err(TrainError::Setting {
            key,
            found: "set without a knowledge base".to_owned(),
            expected: "the knowledge base whose names to use".to_owned(),
            help: format!("name the one that the corpora were built with, or leave out `{key}`"),
        }),
    }
}

/// Hash of what training starts from.
fn hash_model(dir: &Path) -> Result<String, TrainError> {
    let mut hashes = String::new();
    for name in ["config.json", TOKENIZER_FILE, WEIGHTS_FILE, "model.safetensors.index.json"] {
        let path = dir.join(name);
        if path.exists() {
            hashes += &hash_file(&path)?;
        }
    }
    Ok(hash_bytes(hashes.as_bytes()))
}
