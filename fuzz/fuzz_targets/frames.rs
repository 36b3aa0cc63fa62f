//! Frames; see `targets::frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::frames::frames(data);
});
