#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = kbioxlm_benchmarks::fuzz::brat(bytes);
});
