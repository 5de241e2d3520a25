//! The smallest zip archive that every program opens: entries stored as they are.

/// An archive of these files, by name.
pub(super) fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let offset = length(out.len());
        // Version, flags (names are UTF-8), method, time, date (1980-01-01).
        let mut head: Vec<u8> = [20u16, 0x0800, 0, 0, 0x0021].iter().flat_map(|n| n.to_le_bytes()).collect();
        for number in [crc.sum(), length(content.len()), length(content.len())] {
            head.extend(number.to_le_bytes());
        }
        head.extend(u16::try_from(name.len()).unwrap_or_default().to_le_bytes());
        head.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(head);
        // Comment, disk, attributes inside and outside.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, size, count) = (length(out.len()), length(directory.len()), u16::try_from(files.len()).unwrap_or_default());
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_its_files() {
        let bytes = archive(&[("a.txt".into(), b"hello".to_vec()), ("b/ü.txt".into(), Vec::new())]);
        assert!(bytes.starts_with(b"PK\x03\x04"));
        // CRC-32 of "hello", from a table of well-known values.
        assert_eq!(bytes[14..18], 0x3610_a686u32.to_le_bytes());
        assert_eq!(bytes[bytes.len() - 22..][..4], *b"PK\x05\x06");
        let size = u32::from_le_bytes(bytes[bytes.len() - 10..][..4].try_into().unwrap()) as usize;
        let start = u32::from_le_bytes(bytes[bytes.len() - 6..][..4].try_into().unwrap()) as usize;
        assert_eq!((start + size, &bytes[start..start + 4]), (bytes.len() - 22, &b"PK\x01\x02"[..]));
        // Both entries: 46 bytes and the name.
        assert_eq!(size, 46 + 5 + 46 + 8);
    }
}
