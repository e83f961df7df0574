//! The pieces of an archive: each is a whole gzip file, and so are all of them one after another.

use crate::error::{Error, Result};
use crate::sys::hex::hex;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read as _, Write as _};

/// As much as gzip itself.
const LEVEL: u32 = 6;

/// No piece of ours is larger unpacked: what says so is no backup, and would fill the memory.
pub(super) const MOST: u64 = 16 << 20;

/// What the last piece begins with: gzip's mark, deflate, an extra field; no time, no system.
const TAIL: [u8; 10] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];

/// The extra field of the last piece: its own length, then our mark and the length of what is in it.
const FIELD: [u8; 6] = [24, 0, b'G', b'S', 20, 0];

/// No content: an empty block, its checksum and its size.
const NOTHING: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The bytes of the last piece.
pub(super) const TAIL_SIZE: usize = TAIL.len() + FIELD.len() + 20 + NOTHING.len();

/// Where our lists are in an archive: that of the entries, and that of what is known of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) listing: u64,
    pub(super) head: u64,
    /// The version of this format.
    pub(super) version: u32,
}

impl Tail {
    /// The last piece of an archive: it has nothing in it, and tells where the lists are.
    pub(super) fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(TAIL_SIZE);
        bytes.extend_from_slice(&TAIL);
        bytes.extend_from_slice(&FIELD);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.listing.to_le_bytes());
        bytes.extend_from_slice(&self.head.to_le_bytes());
        bytes.extend_from_slice(&NOTHING);
        bytes
    }

    /// Reads the last piece; `None` where these bytes are not one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&TAIL)?.strip_prefix(&FIELD)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (listing, rest) = rest.split_first_chunk()?;
        let (head, rest) = rest.split_first_chunk()?;
        (rest == NOTHING).then(|| Self {
            listing: u64::from_le_bytes(*listing),
            head: u64::from_le_bytes(*head),
            version: u32::from_le_bytes(*version),
        })
    }
}

/// Compresses a piece, and looks whether it can be had back.
pub(super) fn compress(plain: &[u8]) -> Result<Vec<u8>> {
    let failed = |source: io::Error| Error::failed("cannot compress").because(source);
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::new(LEVEL));
    encoder.write_all(plain).map_err(failed)?;
    let packed = encoder.finish().map_err(failed)?;
    if is_packed(&packed, plain).map_err(failed)? {
        Ok(packed)
    } else {
        Err(Error::failed("what was compressed cannot be unpacked")
            .hint("this may be a broken memory: run a test of it"))
    }
}

/// Is `packed` what `plain` is when it is unpacked?
fn is_packed(packed: &[u8], plain: &[u8]) -> io::Result<bool> {
    let mut decoder = GzDecoder::new(packed);
    let mut buffer = vec![0; 64 << 10];
    let mut rest = plain;
    loop {
        let read = decoder.read(&mut buffer)?;
        if read == 0 {
            return Ok(rest.is_empty() && decoder.into_inner().is_empty());
        }
        match rest.strip_prefix(&buffer[..read]) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
}

/// Unpacks a piece that has `plain` bytes, and not one more.
pub(super) fn unpack(packed: &[u8], plain: u64) -> io::Result<Vec<u8>> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    if plain > MOST {
        return Err(wrong("a piece of it is too large"));
    }
    let mut decoder = GzDecoder::new(packed);
    let mut bytes = Vec::new();
    (&mut decoder).take(plain + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != plain || !decoder.into_inner().is_empty() {
        return Err(wrong("a piece of it has another size than it says"));
    }
    Ok(bytes)
}

/// The digest of some bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn the_tail_is_read_as_it_is_written_and_is_gzip() {
        let tail = Tail {
            listing: 1 << 40,
            head: 7,
            version: 1,
        };
        let bytes = tail.bytes();
        assert_eq!(bytes.len(), TAIL_SIZE);
        assert_eq!(Tail::parse(&bytes), Some(tail));
        assert_eq!(unpack(&bytes, 0).expect("gzip"), b"");
        assert_eq!(Tail::parse(&bytes[1..]), None);
    }

    #[test]
    fn a_piece_is_unpacked_to_what_it_was_and_to_no_more() {
        let packed = compress(b"abcabcabc").expect("packed");
        assert_eq!(unpack(&packed, 9).expect("unpacked"), b"abcabcabc");
        unpack(&packed, 8).expect_err("larger than it says");
        unpack(&packed, 10).expect_err("smaller than it says");
        let mut broken = packed.clone();
        broken[14] ^= 1;
        unpack(&broken, 9).expect_err("broken");
        unpack(&packed, MOST + 1).expect_err("too large");
    }

    proptest! {
        #[test]
        fn an_end_of_anything_is_one_or_none(text in bytes(), any in any::<(u64, u64, u32)>()) {
            let (listing, head, version) = any;
            let tail = Tail { listing, head, version };
            prop_assert_eq!(Tail::parse(&tail.bytes()), Some(tail));
            prop_assert_eq!(Tail::parse(&text), None);
        }

        #[test]
        fn a_damaged_piece_is_what_it_was_or_refused(plain in bytes(), harm in damaged(compress(b"abcabcabc").expect("packed"))) {
            let packed = compress(&plain).expect("packed");
            let twice = [&*packed, &packed].concat();
            prop_assert!(unpack(&twice, plain.len() as u64).is_err());
            prop_assert_eq!(unpack(&packed, plain.len() as u64).expect("unpacked"), plain.to_vec());
            if let Ok(bytes) = unpack(&harm, 9) {
                // A header of gzip has room for what says nothing.
                prop_assert_eq!(bytes, b"abcabcabc");
            }
            if let Ok(bytes) = unpack(&harm, MOST) {
                prop_assert_eq!(bytes.len() as u64, MOST);
            }
        }
    }
}
