//! PEM: blocks of base64 between lines of dashes, with anything in between.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// One block.
pub(super) struct Block {
    /// Such as `CERTIFICATE`.
    pub(super) label: String,
    /// What it holds; none if that is no base64.
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    /// Whether header lines say that the body is encrypted in the old way.
    pub(super) proc_type: bool,
}

/// Whether bytes are a PEM file.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|w| w == b"-----BEGIN ")
}

/// All blocks of a text. A block that does not end is left out.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|l| l.strip_suffix("-----")) else { continue };
        let end = format!("-----END {label}-----");
        let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
        let (mut proc_type, mut ended) = (false, false);
        for line in lines.by_ref() {
            ended = line == end;
            if ended {
                break;
            }
            if line.contains(':') {
                proc_type |= line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
            } else {
                base64.push_str(line);
            }
        }
        if ended {
            let body = STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new);
            found.push(Block { label: label.to_owned(), body, proc_type });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = "Bag Attributes\n  a: b\n-----BEGIN A-----\r\nAQ\r\nID\r\n-----END A-----\nnoise\n-----BEGIN B C-----\n\
                    Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n!\n-----END B C-----\n-----BEGIN D-----\nAQID\n";
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].label.as_str(), found[0].proc_type), ("A", false));
        assert_eq!(found[0].body.as_ref().unwrap().as_slice(), [1, 2, 3]);
        assert_eq!((found[1].label.as_str(), found[1].proc_type), ("B C", true));
        assert!(found[1].body.is_none());
    }

    proptest! {
        #[test]
        fn no_text_can_break_it(text in "(-----BEGIN A-----|-----END A-----|\n|:|AQID|\\PC){0,40}") {
            blocks(&text);
        }
    }
}
