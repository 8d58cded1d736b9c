//! Normalised text that knows where it comes from.

mod map;

pub use map::OffsetMap;
