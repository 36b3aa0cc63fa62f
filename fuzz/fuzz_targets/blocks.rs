//! Search blocks; see `targets::blocks`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::blocks::blocks(data);
});
