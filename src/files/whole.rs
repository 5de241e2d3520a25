//! Files that are there whole or not at all.
//!
//! They are written under another name beside their own, brought to the disk and renamed. What a crash leaves behind is a file whose name
//! ends in `.part`, never half of one that somebody may take for the whole.

use crate::clock::random_guid;
use ring::digest;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

const BUFFER: usize = 256 << 10;

/// A name beside a file's own, which goes with its file unless that was renamed. Two writers never share one.
#[derive(Debug)]
pub(crate) struct Beside(pub(crate) PathBuf);

impl Beside {
    pub(crate) fn new(to: &Path) -> Beside {
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        Beside(to.with_file_name(format!(".{name}.{}.part", random_guid().get(..8).unwrap_or_default())))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A file that gets its name when it is kept, and goes if it is dropped.
#[derive(Debug)]
pub struct Whole {
    // Closed before the file goes: some systems remove none that is open.
    file: BufWriter<File>,
    beside: Beside,
    path: PathBuf,
}

impl Whole {
    /// Begins it.
    pub fn create(path: &Path) -> io::Result<Whole> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder; name the file to write"));
        }
        let beside = Beside::new(path);
        let file = BufWriter::with_capacity(BUFFER, File::create(&beside.0)?);
        Ok(Whole { file, beside, path: path.to_owned() })
    }

    /// Waits until all of it lies on the disk, and gives it its name.
    pub fn keep(self) -> io::Result<()> {
        let Whole { file, beside, path } = self;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside.0, &path)?;
        sync_folder(&path);
        Ok(())
    }
}

impl Write for Whole {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that knows its length and digest.
pub(crate) struct Summed {
    file: BufWriter<File>,
    bytes: u64,
    digest: digest::Context,
}

impl Summed {
    /// Begins anew.
    pub(crate) fn create(path: &Path) -> io::Result<Summed> {
        let file = BufWriter::with_capacity(BUFFER, File::create(path)?);
        Ok(Summed { file, bytes: 0, digest: digest::Context::new(&digest::SHA256) })
    }

    /// Waits until it lies on the disk; gives its length and its SHA-256.
    pub(crate) fn finish(self) -> io::Result<(u64, String)> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok((self.bytes, hex(self.digest.finish().as_ref())))
    }
}

impl Write for Summed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.file.write(data)?;
        self.digest.update(data.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// In hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A rename lasts when the folder that it changed is on the disk; where folders cannot be written out, the system sees to it.
pub(crate) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
