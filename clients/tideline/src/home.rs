//! Where a user's device lives: a directory with its id, its journal and its lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use timeline::{DeviceId, UserId};
use uuid::Uuid;

use crate::error::Error;

/// The directory of a device, which no other process uses while this value lives.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// The lock is let go when the file is closed, also by a crash.
    _lock: File,
}

impl Home {
    /// Takes possession of a user's device, and makes it on first use.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while another process has it.
    pub(crate) fn open(state: &Path, user: &UserId) -> Result<Self, Error> {
        let path = state.join(directory(user));
        fs::create_dir_all(&path).map_err(|error| unusable(&path, error))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(|error| unusable(&lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy { user: user.to_string() }),
            Err(TryLockError::Error(error)) => Err(unusable(&lock_path, error)),
        }
    }

    /// The device's id: random, made once.
    pub(crate) fn device(&self) -> Result<DeviceId, Error> {
        let path = self.path.join("device");
        let kept = match fs::read_to_string(&path) {
            Ok(text) => DeviceId::parse(text.trim()).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(&path, error)),
        };
        match kept {
            Some(device) => Ok(device),
            None => {
                let text = Uuid::now_v7().to_string();
                fs::write(&path, format!("{text}\n")).map_err(|error| unusable(&path, error))?;
                Ok(DeviceId::parse(&text).expect("a UUID has the letters of a device id"))
            }
        }
    }

    /// The path of the journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }
}

/// The error of a file that cannot be used.
pub(crate) fn unusable(path: &Path, source: io::Error) -> Error {
    Error::State { path: path.to_owned(), source }
}

/// The name of a user's directory. A user id may begin with a dot, or be `..`; a name may not.
fn directory(user: &UserId) -> String {
    match user.as_str().strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => user.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_keeps_its_id_and_two_directories_are_two_devices() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let user = UserId::parse("alice").unwrap();
        let device = |state: &Path| Home::open(state, &user).unwrap().device().unwrap();
        assert_eq!(device(one.path()), device(one.path()));
        assert_ne!(device(one.path()), device(other.path()));
    }

    #[test]
    fn a_device_belongs_to_one_process_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        let user = UserId::parse("alice").unwrap();
        let first = Home::open(state.path(), &user).unwrap();
        assert!(matches!(Home::open(state.path(), &user), Err(Error::Busy { .. })));
        assert!(Home::open(state.path(), &UserId::parse("bob").unwrap()).is_ok());
        drop(first);
        assert!(Home::open(state.path(), &user).is_ok());
    }

    #[test]
    fn no_user_leaves_the_directory() {
        for user in ["..", ".", ".hidden", "a@b.c"] {
            let name = directory(&UserId::parse(user).unwrap());
            assert_eq!(Path::new("x").join(&name).parent(), Some(Path::new("x")), "{user}");
            assert!(!name.starts_with('.'), "{user}");
        }
    }
}
