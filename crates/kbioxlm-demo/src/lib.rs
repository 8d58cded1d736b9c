//! The whole pipeline on embedded data: a trilingual knowledge base, a document generator, a small model.
//!
//! [`run`] goes all the way: it builds the knowledge base, writes documents and passages, trains a tokenizer, builds the
//! plain and the anchored corpus, pretrains a small model on each, fine-tunes a tagger on English, and compares. Names
//! and facts are general medical knowledge, good for showing how the method works and not for treating anybody.

mod benchmark;
mod data;
mod documents;
mod measure;
mod pipeline;
mod plot;
mod render;
mod report;
mod scale;
mod templates;
mod tokenizer;

pub use benchmark::{sentences, write_conll};
pub use data::{Concept, Embedded, Fact, Kind, LANGUAGES, Relation, write_sources};
pub use documents::{Document, Passage, documents, passages, write_documents, write_passages};
pub use pipeline::{Options, Progress, run};
pub use plot::plot;
pub use render::{Named, Text};
pub use report::{BeforeAfter, DemoReport, LossCurves, RetrievalScores, TrainingTokens};
pub use scale::Scale;
pub use tokenizer::train as train_tokenizer;
