//! The folder of an export. A part is there whole or not at all, and `manifest.json` says which are; a crash at any moment leaves it so.
//!
//! Files are written under another name, brought to the disk, and renamed; the manifest follows. What is whole is never removed: parts of a
//! snapshot that is over are set aside into a folder of their own, so that two snapshots never lie side by side.

use super::{
    Format,
    listing::Listing,
    manifest::{Done, Manifest},
};
use crate::{
    error::{Error, Kind, Result},
    files::{Summed, hex, sync_folder},
};
use ring::digest;
use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

const MANIFEST: &str = "manifest.json";
const LOCK: &str = ".lock";

/// The folder, held by one writer at a time.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    found: Option<Manifest>,
    /// Where the parts of snapshots went that are over.
    pub(super) aside: Option<PathBuf>,
    _lock: File,
}

impl Folder {
    /// Opens it, or makes it. Nothing is asked of the service before this has passed.
    pub(super) fn open(path: &Path, export: &str, format: Format, resume: bool) -> Result<Folder> {
        let failed = |e: &io::Error| Error::file(path, e);
        if path.exists() && !path.is_dir() {
            return Err(Error::argument("to", format!("{} is a file; an export is written to a folder", path.display())));
        }
        fs::create_dir_all(path).map_err(|e| failed(&e))?;
        let lock = File::create(path.join(LOCK)).map_err(|e| failed(&e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(Kind::File, format!("{}: another export is writing to this folder", path.display())));
            }
            // Some network file systems know no locks.
            Err(TryLockError::Error(_)) => {}
        }
        let found = match fs::read(path.join(MANIFEST)) {
            Ok(text) => Some(
                Manifest::read(&text)
                    .map_err(|e| Error::argument("to", format!("{}: {e}; give an export a folder of its own", path.display())))?,
            ),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed(&e)),
        };
        let folder = Folder { path: path.to_owned(), found, aside: None, _lock: lock };
        match &folder.found {
            Some(m) if resume && (m.export != export || m.format != format) => {
                let message = format!("{} holds {} as {}, not {export} as {}", path.display(), m.export, m.format.name(), format.name());
                return Err(Error::argument("to", message).hint("give another folder, or resume=False to set that aside and begin anew"));
            }
            None if folder.strangers()? => {
                let message = format!(
                    "{} has files part-… and no manifest.json: they are not of an export that this one could go on",
                    path.display()
                );
                return Err(Error::argument("to", message).hint("give an export a folder of its own"));
            }
            _ => {}
        }
        Ok(folder)
    }

    /// What is to be fetched into it, once the service has said what there is. Parts that are whole already stay.
    pub(super) fn begin(&mut self, export: &str, format: Format, listing: &Listing, resume: bool) -> Result<Manifest> {
        let manifest = match self.found.take() {
            Some(mut found) if resume && found.is_of(listing) => {
                self.check(&mut found);
                found
            }
            Some(found) if resume && found.is_complete() => {
                let message = format!(
                    "{} holds the whole export of {}; the service has another, of {}",
                    self.path.display(),
                    found.generated,
                    listing.generated
                );
                return Err(Error::argument("to", message).hint("give another folder, or resume=False to set that aside and begin anew"));
            }
            Some(found) => {
                self.set_aside(&found)?;
                Manifest::new(export, format, listing)
            }
            None => Manifest::new(export, format, listing),
        };
        self.sweep(&manifest)?;
        self.write(&manifest)?;
        Ok(manifest)
    }

    /// Puts another snapshot in the place of one that is over.
    pub(super) fn replace(&mut self, over: &Manifest, export: &str, format: Format, listing: &Listing) -> Result<Manifest> {
        self.set_aside(over)?;
        let manifest = Manifest::new(export, format, listing);
        self.sweep(&manifest)?;
        self.write(&manifest)?;
        Ok(manifest)
    }

    /// Makes parts part of it: their files get their names, and the manifest knows them.
    pub(super) fn commit(&self, manifest: &mut Manifest, parts: Vec<(usize, PathBuf, Done)>) -> Result<()> {
        for (i, written, done) in parts {
            if let Some(part) = manifest.parts.get_mut(i) {
                let target = self.path.join(&part.file);
                fs::rename(&written, &target).map_err(|e| Error::file(&target, &e))?;
                part.done = Some(done);
            }
        }
        self.write(manifest)
    }

    /// A name under which a part may be written until it is whole.
    pub(super) fn scratch(&self, file: &str, run: &str) -> PathBuf {
        self.path.join(format!("{file}.{run}.part"))
    }

    /// Where a part lies.
    pub(super) fn file(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    /// Moves what is whole of a snapshot that is over, with its manifest. Nothing of it is removed.
    fn set_aside(&mut self, manifest: &Manifest) -> Result<()> {
        if manifest.parts.iter().all(|p| p.done.is_none()) {
            return Ok(());
        }
        let plain: String =
            manifest.generated.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect();
        let mut aside = self.path.join(format!("older-{plain}"));
        let mut n = 2;
        while aside.exists() {
            aside = self.path.join(format!("older-{plain}-{n}"));
            n += 1;
        }
        let failed = |e: &io::Error| Error::file(&aside, e);
        fs::create_dir(&aside).map_err(|e| failed(&e))?;
        // The manifest goes last: until then the folder is what it was, and what has moved would be fetched again.
        for part in manifest.parts.iter().filter(|p| p.done.is_some()) {
            match fs::rename(self.path.join(&part.file), aside.join(&part.file)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(&e)),
                _ => {}
            }
        }
        fs::rename(self.path.join(MANIFEST), aside.join(MANIFEST)).map_err(|e| failed(&e))?;
        sync_folder(&aside.join(MANIFEST));
        sync_folder(&self.path.join(MANIFEST));
        self.aside = Some(aside);
        Ok(())
    }

    /// A part that somebody has changed or removed since is fetched again.
    fn check(&self, manifest: &mut Manifest) {
        for part in &mut manifest.parts {
            let path = self.path.join(&part.file);
            let whole =
                |d: &Done| fs::metadata(&path).is_ok_and(|m| m.len() == d.bytes) && digest_of(&path).is_ok_and(|sum| sum == d.sha256);
            if part.done.as_ref().is_some_and(|d| !whole(d)) {
                tracing::warn!(target: "xdrkit", "{} is not what was written; it is fetched again", path.display());
                part.done = None;
            }
        }
    }

    fn write(&self, manifest: &Manifest) -> Result<()> {
        let path = self.path.join(MANIFEST);
        let write = || -> io::Result<()> {
            let scratch = self.path.join(format!("{MANIFEST}.part"));
            let mut file = Summed::create(&scratch)?;
            file.write_all(manifest.write().as_bytes())?;
            file.finish()?;
            fs::rename(&scratch, &path)
        };
        write().map_err(|e| Error::file(&path, &e))?;
        sync_folder(&path);
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.path).map_err(|e| Error::file(&self.path, &e))?;
        Ok(entries.filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned())).collect())
    }

    fn strangers(&self) -> Result<bool> {
        Ok(self.names()?.iter().any(|name| name.starts_with("part-")))
    }

    /// What a run left that was killed: what no manifest knows is not whole.
    fn sweep(&self, manifest: &Manifest) -> Result<()> {
        let whole: HashSet<&str> = manifest.parts.iter().filter(|p| p.done.is_some()).map(|p| p.file.as_str()).collect();
        for name in self.names()? {
            if name.starts_with("part-") && !whole.contains(name.as_str()) {
                let path = self.path.join(&name);
                match fs::remove_file(&path) {
                    // One that is being given up may still be open, and goes by itself.
                    Err(e) if !name.ends_with(".part") => return Err(Error::file(&path, &e)),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(context.finish().as_ref())),
            n => context.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}
