//! `hftcol-store.json`: the version and the random id of a store, written once.
//!
//! The file has one spelling for its two facts, checksum included, so that every bit of it is checked.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::error::{Error, Result};

/// The only version so far.
const VERSION: u32 = 1;

/// The file's text.
pub(super) fn to_text(id: u128) -> String {
    let facts = format!("{{\"hftcol\":{VERSION},\"id\":\"{id:032x}\"");
    let crc = crc32c::crc32c(facts.as_bytes());
    format!("{facts},\"crc32c\":\"{crc:08x}\"}}\n")
}

/// Reads the id.
pub(super) fn parse(bytes: &[u8]) -> Result<u128> {
    let text = String::from_utf8_lossy(bytes);
    let version = text.strip_prefix("{\"hftcol\":").and_then(|rest| rest.split(',').next());
    if let Some(version) = version.and_then(|v| v.parse::<u32>().ok()).filter(|v| *v > VERSION) {
        return Err(Error::damage("S-02", format!("store version {VERSION}"), format!("version {version}")));
    }
    let id = text.split("\"id\":\"").nth(1).and_then(|rest| rest.get(..32));
    let id = id.and_then(|digits| u128::from_str_radix(digits, 16).ok());
    match id {
        Some(id) if to_text(id).as_bytes() == bytes => Ok(id),
        _ => Err(Error::damage(
            "S-01",
            "the one spelling of version, id and checksum",
            text.chars().take(120).collect::<String>(),
        )),
    }
}

/// A new id: 128 bits that the standard library's hasher got from the operating system.
pub(super) fn random_id() -> u128 {
    (u128::from(random_u64()) << 64) | u128::from(random_u64())
}

/// 64 random bits, for names in staging.
pub(super) fn random_u64() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What the first ledger record names as its predecessor: ties a ledger to its store.
pub(super) fn genesis(id: u128) -> u128 {
    let mut seed = b"hftcol ledger".to_vec();
    seed.extend_from_slice(&id.to_le_bytes());
    xxhash_rust::xxh3::xxh3_128(&seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_found() {
        let text = to_text(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(parse(text.as_bytes()).unwrap(), 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&bytes).is_err(), "bit {bit}");
        }
        for n in 0..text.len() {
            assert!(parse(&text.as_bytes()[..n]).is_err());
        }
    }

    #[test]
    fn ids_differ() {
        assert_ne!(random_id(), random_id());
    }
}
