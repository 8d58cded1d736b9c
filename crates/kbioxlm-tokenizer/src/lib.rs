//! Fast Unigram tokenizer with the ids and offsets of HF's.
