#![no_main]

// With the right checksum, without which nearly every input would be refused at once.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = kbioxlm_knowledge::fuzz::knowledge_with_checksum(bytes);
});
