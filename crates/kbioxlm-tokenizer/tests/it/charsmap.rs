//! SentencePiece's table of replacements, made the simplest way: a block of 256 units for every state.

use base64::Engine;
use std::collections::BTreeMap;

/// The base64 form of a table; keys have no zeros.
pub fn encode(replacements: &BTreeMap<String, String>) -> String {
    let mut texts = Vec::new();
    // Children by byte, and the place of the replacement.
    let mut states: Vec<(BTreeMap<u8, usize>, Option<usize>)> = vec![Default::default()];
    for (key, new) in replacements {
        let mut state = 0;
        for byte in key.bytes() {
            let next = states.len();
            state = *states[state].0.entry(byte).or_insert(next);
            if state == next {
                states.push(Default::default());
            }
        }
        states[state].1 = Some(texts.len());
        texts.extend(new.bytes().chain([0]));
    }
    // The root's own unit is the first of a block before all others.
    let block = |state: usize| (state + 1) * 256;
    let mut units = vec![0_u32; block(states.len())];
    units[0] = (block(0) as u32) << 10;
    for (state, (children, value)) in states.iter().enumerate() {
        if let Some(value) = value {
            units[block(state)] = *value as u32 | 1 << 31;
        }
        for (&byte, &child) in children {
            let at = block(state) + byte as usize;
            let has_leaf = u32::from(states[child].1.is_some());
            units[at] = u32::from(byte) | has_leaf << 8 | ((at ^ block(child)) as u32) << 10;
        }
    }
    let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(texts);
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
