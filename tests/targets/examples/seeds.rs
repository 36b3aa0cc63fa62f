//! Writes every target's real inputs where `cargo fuzz` looks for them:
//! `cargo run -p targets --example seeds -- fuzz/corpus`.

#![expect(clippy::unwrap_used, reason = "what cannot be written ends it")]

use std::path::PathBuf;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name the folder of the corpora"));
    for target in targets::TARGETS {
        let corpus = folder.join(target.name);
        std::fs::create_dir_all(&corpus).unwrap();
        for (number, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(corpus.join(format!("seed-{number:03}")), seed).unwrap();
        }
    }
}
