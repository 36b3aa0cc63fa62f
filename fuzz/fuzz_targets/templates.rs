//! Templates; see `targets::templates`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::templates::templates(data);
});
