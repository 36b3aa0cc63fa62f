//! Where each mapping goes on after a restart.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::{Error, Store};

/// The last sequence number behind which every record has ended, by mapping.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    /// The file that keeps them; none where the tables are not kept either.
    path: Option<PathBuf>,
    sequences: Mutex<BTreeMap<String, String>>,
}

impl Checkpoints {
    /// Reads those that belong to `store`: they lie beside its file.
    pub(crate) fn open(store: &Store) -> Result<Self, Error> {
        let path = match store {
            Store::Memory => None,
            Store::File(path) => Some(path.with_extension("checkpoints.json")),
        };
        let sequences = match &path {
            Some(path) => read(path).map_err(|source| Error::Checkpoints { source })?,
            None => BTreeMap::new(),
        };
        Ok(Self { path, sequences: Mutex::new(sequences) })
    }

    /// Tells where `mapping` goes on; `None` where it has never been.
    pub(crate) fn of(&self, mapping: &str) -> Option<String> {
        let sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        sequences.get(mapping).cloned()
    }

    /// Keeps that `mapping` goes on after `sequence`, unless it has come further already.
    ///
    /// A file that cannot be written costs repetitions after a restart, which a function has to
    /// stand anyway: it is told and not an error.
    pub(crate) fn keep(&self, mapping: &str, sequence: String) {
        let mut sequences = self.sequences.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = sequences.get(mapping).is_none_or(|old| rank(old) < rank(&sequence));
        if !is_new {
            return;
        }
        sequences.insert(mapping.to_owned(), sequence);
        if let Some(path) = &self.path
            && let Err(error) = write(path, &sequences)
        {
            tracing::warn!("the checkpoint of {mapping} cannot be kept: {error}");
        }
    }
}

/// The order of sequence numbers, which are numbers of any length without leading zeros.
fn rank(sequence: &str) -> (usize, &str) {
    (sequence.len(), sequence)
}

fn read(path: &Path) -> io::Result<BTreeMap<String, String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Replaces the file at once: whoever is killed in between leaves the old one.
fn write(path: &Path, sequences: &BTreeMap<String, String>) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(sequences)?)?;
    std::fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_beside_a_file_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::File(folder.path().join("tables.sqlite"));
        let checkpoints = Checkpoints::open(&store).unwrap();
        assert_eq!(checkpoints.of("Feed"), None);
        checkpoints.keep("Feed", "100".to_owned());
        checkpoints.keep("Feed", "1000".to_owned());
        checkpoints.keep("Feed", "200".to_owned());
        checkpoints.keep("Other", "300".to_owned());
        let again = Checkpoints::open(&store).unwrap();
        assert_eq!(again.of("Feed").as_deref(), Some("1000"));
        assert_eq!(again.of("Other").as_deref(), Some("300"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tables.checkpoints.json"), "{").unwrap();
        let store = Store::File(folder.path().join("tables.sqlite"));
        assert!(Checkpoints::open(&store).is_err());
    }
}
