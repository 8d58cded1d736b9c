//! Every kind of source, read as its publisher writes it, and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod babelon;
mod common;
mod mesh;
mod obo;
mod robust;
mod skos;
mod umls;
mod wikidata;
