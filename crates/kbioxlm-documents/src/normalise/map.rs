/// Leads from the byte offsets of a normalised text to those of the original, and back. The default changes nothing.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct OffsetMap {}
