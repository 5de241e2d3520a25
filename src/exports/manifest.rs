//! What an export's folder holds, written down in `manifest.json`. Pure.

use super::{Format, listing::Listing};
use crate::{
    error::{Error, Kind, Result},
    json::{self, Value, object},
};

const VERSION: i64 = 1;

/// A part that lies in the folder, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its address at the service, without the signature.
    pub(super) source: String,
    /// Its file in the folder.
    pub(super) file: String,
    /// What is known of it when it is whole.
    pub(super) done: Option<Done>,
}

/// One snapshot of one export in one format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) export: String,
    pub(super) format: Format,
    pub(super) generated: String,
    pub(super) parts: Vec<Part>,
}

impl Manifest {
    /// Nothing is done yet.
    pub(super) fn new(export: &str, format: Format, listing: &Listing) -> Manifest {
        let file = |i: usize| format!("part-{:05}.{}", i + 1, format.name());
        let part = |(i, link): (usize, &super::listing::Link)| Part { source: link.part.clone(), file: file(i), done: None };
        let parts = listing.links.iter().enumerate().map(part).collect();
        Manifest { export: export.to_owned(), format, generated: listing.generated.clone(), parts }
    }

    /// Whether every part is whole.
    pub(super) fn is_complete(&self) -> bool {
        self.parts.iter().all(|p| p.done.is_some())
    }

    /// Whether it is of the snapshot that the service offers.
    pub(super) fn is_of(&self, listing: &Listing) -> bool {
        listing.is_snapshot(&self.generated, self.parts.iter().map(|p| p.source.as_str()))
    }

    /// Parts that are whole, their rows and their bytes.
    pub(super) fn sums(&self) -> (u64, u64, u64) {
        let done = self.parts.iter().filter_map(|p| p.done.as_ref());
        done.fold((0, 0, 0), |(parts, rows, bytes), d| (parts + 1, rows + d.rows, bytes + d.bytes))
    }

    /// As text.
    pub(super) fn write(&self) -> String {
        let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        let part = |p: &Part| match &p.done {
            None => object([("file", p.file.as_str().into()), ("source", p.source.as_str().into())]),
            Some(d) => object([
                ("file", p.file.as_str().into()),
                ("source", p.source.as_str().into()),
                ("rows", number(d.rows)),
                ("bytes", number(d.bytes)),
                ("sha256", d.sha256.as_str().into()),
            ]),
        };
        let (_, rows, bytes) = self.sums();
        let text = object([
            ("manifest", Value::Int(VERSION)),
            ("export", self.export.as_str().into()),
            ("format", self.format.name().into()),
            ("generated_time", self.generated.as_str().into()),
            ("complete", Value::Bool(self.is_complete())),
            ("rows", number(rows)),
            ("bytes", number(bytes)),
            ("parts", Value::Array(self.parts.iter().map(part).collect())),
        ]);
        format!("{text}\n")
    }

    /// From text. A file of somebody else's is none of ours to touch.
    pub(super) fn read(text: &[u8]) -> Result<Manifest> {
        let wrong = || Error::new(Kind::File, "manifest.json is not of an export");
        let value = json::parse(text).map_err(|_| wrong())?;
        let word = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(wrong);
        let number = |v: &Value, key: &str| v.get(key).and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok());
        if value.get("manifest").and_then(Value::as_i64) != Some(VERSION) {
            return Err(wrong());
        }
        let mut parts = Vec::new();
        for part in value.get("parts").and_then(Value::as_array).ok_or_else(wrong)? {
            let (source, file) = (word(part, "source")?, word(part, "file")?);
            // It names files beside itself and nothing else.
            if !file.starts_with("part-") || file.contains(['/', '\\', ':']) {
                return Err(wrong());
            }
            let done = match (number(part, "rows"), number(part, "bytes"), part.get("sha256").and_then(Value::as_str)) {
                (Some(rows), Some(bytes), Some(sha256)) => Some(Done { rows, bytes, sha256: sha256.to_owned() }),
                _ => None,
            };
            parts.push(Part { source, file, done });
        }
        let format = Format::from_name(&word(&value, "format")?).map_err(|_| wrong())?;
        Ok(Manifest { export: word(&value, "export")?, format, generated: word(&value, "generated_time")?, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            export in "[a-z_]{1,20}",
            generated in "\\PC{0,30}",
            parts in prop::collection::vec(("\\PC{0,60}", prop::option::of((0u64..1 << 50, 0u64..1 << 50, "[0-9a-f]{64}"))), 0..10),
        ) {
            let parts = parts.into_iter().enumerate().map(|(i, (source, done))| Part {
                source,
                file: format!("part-{i:05}.ndjson"),
                done: done.map(|(rows, bytes, sha256)| Done { rows, bytes, sha256 }),
            });
            let manifest = Manifest { export, format: Format::Ndjson, generated, parts: parts.collect() };
            prop_assert_eq!(Manifest::read(manifest.write().as_bytes()).unwrap(), manifest);
        }

        #[test]
        fn no_text_can_break_it(text in "\\PC{0,200}") {
            let _ = Manifest::read(text.as_bytes());
        }
    }

    #[test]
    fn a_manifest_that_points_elsewhere_is_none() {
        for file in ["../x", "part-/../../x", "C:x", "part-1\\\\x"] {
            let text = format!(
                r#"{{"manifest":1,"export":"a","format":"ndjson","generated_time":"","parts":[{{"source":"s","file":"{file}"}}]}}"#
            );
            assert!(Manifest::read(text.as_bytes()).is_err(), "{file}");
        }
        assert!(Manifest::read(b"{}").is_err());
        assert!(Manifest::read(b"{\"manif").is_err());
    }
}
