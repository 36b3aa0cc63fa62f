//! Pages; see `targets::pages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    targets::pages::pages(data);
});
