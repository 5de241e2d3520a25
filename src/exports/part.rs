//! One part, from packed bytes to a file: gunzip, lines, rows. Runs on a thread of its own, fed through a channel that holds little.

use super::{
    lines::Lines,
    manifest::Done,
    sink::{Shape, Sink},
};
use crate::{
    client::download::Arrived,
    error::{Error, Kind, Result},
};
use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;
use std::{
    io::{self, BufRead, Cursor, Read},
    path::{Path, PathBuf},
};
use tokio::sync::mpsc;

const BUFFER: usize = 128 << 10;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file that goes unless it is kept.
pub(super) struct Scratch(pub(super) Option<PathBuf>);

impl Scratch {
    /// The file, which stays now.
    pub(super) fn keep(mut self) -> Option<PathBuf> {
        self.0.take()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes a part; gives it with what is known of it. `gzip` says that it has to be packed.
pub(super) fn write(pieces: mpsc::Receiver<Arrived>, path: PathBuf, shape: &Shape, gzip: bool) -> Result<(Scratch, Done)> {
    let scratch = Scratch(Some(path.clone()));
    let mut reader = Reader::new(pieces);
    loop {
        match attempt(&mut reader, &path, shape, gzip) {
            Err(_) if reader.begins_anew() => {}
            Err(e) => return Err(reader.explained(e)),
            Ok(done) => return Ok((scratch, done)),
        }
    }
}

fn attempt(reader: &mut Reader, path: &Path, shape: &Shape, gzip: bool) -> Result<Done> {
    let mut sink = Sink::create(shape, path)?;
    let rows = rows(reader, gzip, &mut |line| sink.row(line))?;
    let (bytes, sha256) = sink.finish()?;
    Ok(Done { rows, bytes, sha256 })
}

/// Reads a part to its end; gives each row to `each`, and their number.
pub(super) fn rows(reader: &mut Reader, gzip: bool, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<u64> {
    let damaged = |e: io::Error| Error::new(Kind::BadResponse, format!("the file is damaged: {e}"));
    let mut head = Vec::new();
    Read::by_ref(reader).take(2).read_to_end(&mut head).map_err(damaged)?;
    let packed = head == GZIP;
    if gzip && !packed {
        return Err(Error::new(Kind::BadResponse, "the file is no gzip"));
    }
    let whole = Read::chain(Cursor::new(head), reader);
    let mut unpacked: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    let (mut lines, mut rows) = (Lines::default(), 0u64);
    let mut each = |line: &[u8]| {
        rows += 1;
        each(line)
    };
    let mut buffer = vec![0; BUFFER];
    loop {
        match unpacked.read(&mut buffer).map_err(damaged)? {
            0 => break,
            n => lines.push(buffer.get(..n).unwrap_or_default(), &mut each)?,
        }
    }
    lines.end(&mut each)?;
    Ok(rows)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// All of it was here.
    Ended,
    /// It begins anew.
    Restart,
    /// It will not come to its end.
    Broken,
}

/// What arrives, as a reader.
pub(super) struct Reader {
    pieces: mpsc::Receiver<Arrived>,
    chunk: Bytes,
    state: State,
}

impl Reader {
    /// From its beginning.
    pub(super) fn new(pieces: mpsc::Receiver<Arrived>) -> Reader {
        Reader { pieces, chunk: Bytes::new(), state: State::Open }
    }

    /// Whether reading ended because the file begins anew; it can be read again then.
    pub(super) fn begins_anew(&mut self) -> bool {
        let anew = self.state == State::Restart;
        if anew {
            (self.state, self.chunk) = (State::Open, Bytes::new());
        }
        anew
    }

    /// Why reading ended: what a reader makes of a file that will not come to its end says nothing.
    pub(super) fn explained(&self, error: Error) -> Error {
        if self.state == State::Broken { Error::new(Kind::ConnectionLost, "the download was broken off") } else { error }
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let chunk = self.fill_buf()?;
        let n = chunk.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..n), chunk.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Reader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() && self.state == State::Open {
            match self.pieces.blocking_recv() {
                Some(Arrived::Data(data)) => self.chunk = data,
                Some(Arrived::End { .. }) => self.state = State::Ended,
                Some(Arrived::Restart) => self.state = State::Restart,
                None => self.state = State::Broken,
            }
        }
        match self.state {
            State::Open | State::Ended => Ok(&self.chunk),
            State::Restart | State::Broken => Err(io::Error::other("it was not sent to its end")),
        }
    }

    fn consume(&mut self, n: usize) {
        self.chunk.advance(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exports::Format;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gz(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[allow(clippy::unwrap_in_result, reason = "only what is tested may fail softly")]
    fn run(pieces: Vec<Arrived>, gzip: bool) -> Result<(Done, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let (to, from) = mpsc::channel(pieces.len() + 1);
        pieces.into_iter().for_each(|p| to.try_send(p).unwrap());
        drop(to);
        let shape = Shape::new(Format::Ndjson, None);
        let written = write(from, path.clone(), &shape, gzip);
        let left = path.exists();
        match written {
            Ok((scratch, done)) => {
                let text = std::fs::read_to_string(scratch.keep().unwrap()).unwrap();
                Ok((done, text))
            }
            Err(e) => {
                assert!(!left, "a part that failed was left behind");
                Err(e)
            }
        }
    }

    fn data(bytes: &[u8]) -> Arrived {
        Arrived::Data(Bytes::copy_from_slice(bytes))
    }

    const END: Arrived = Arrived::End { packed: None };

    #[test]
    fn members_are_one_file_however_they_are_cut() {
        let body = [gz("{\"a\":1}\n{\"a\""), gz(":2}\n"), gz(""), gz("{\"a\":3}")].concat();
        for size in [1, 2, 3, 7, body.len()] {
            let pieces = body.chunks(size).map(data).chain([END]).collect();
            let (done, text) = run(pieces, true).unwrap();
            assert_eq!((done.rows, text.as_str()), (3, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"));
            assert_eq!(done.bytes, text.len() as u64);
        }
    }

    #[test]
    fn a_cut_or_damaged_file_is_an_error_and_nothing_is_left() {
        let body = gz("{\"a\":1}\n");
        for cut in 0..body.len() {
            assert_eq!(run(vec![data(&body[..cut]), END], true).unwrap_err().kind(), Kind::BadResponse, "{cut}");
        }
        for at in 10..body.len() {
            let mut damaged = body.clone();
            damaged[at] ^= 0x55;
            assert_eq!(run(vec![data(&damaged), END], true).unwrap_err().kind(), Kind::BadResponse, "{at}");
        }
        assert_eq!(run(vec![data(&body)], true).unwrap_err().kind(), Kind::ConnectionLost);
    }

    #[test]
    fn a_file_that_begins_anew_counts_once() {
        let body = gz("{\"a\":1}\n{\"a\":2}\n");
        let pieces = vec![data(&body[..10]), Arrived::Restart, Arrived::Restart, data(&body), END];
        assert_eq!(run(pieces, true).unwrap().0.rows, 2);
    }

    #[test]
    fn a_file_that_the_storage_unpacked_is_taken_as_it_is() {
        assert_eq!(run(vec![data(b"{\"a\":1}"), END], false).unwrap().0.rows, 1);
        assert_eq!(run(vec![END], false).unwrap().0.rows, 0);
    }
}
