//! Ids and keys; see `targets::keys`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::keys::keys(data);
});
