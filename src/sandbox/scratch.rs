//! Files that are there while a sandbox is.
//!
//! Some things can be handed over as files alone: the certificate that a caller shall trust, the key that a managed identity's agent
//! leaves for its callers. They lie in a folder of their own, for the owner's eyes, and go when the sandbox goes.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::wire::guid;

#[derive(Default)]
pub(super) struct Scratch {
    folder: Option<PathBuf>,
}

impl Scratch {
    /// Writes a new file and says where it is.
    pub(super) fn write(&mut self, name: &str, text: &str) -> io::Result<PathBuf> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => self.folder.insert(make()?).clone(),
        };
        let path = folder.join(name);
        fs::File::create_new(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Removes them all.
    pub(super) fn clear(&mut self) {
        if let Some(folder) = self.folder.take() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn make() -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("xdrkit-sandbox-{}", guid()));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    Ok(folder)
}
