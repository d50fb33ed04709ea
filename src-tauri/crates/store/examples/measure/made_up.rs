//! Values of people who do not exist, in the order in which such values come: none.

/// A number spread like those of people, the same each time; no two have the same.
pub fn scattered(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// An address that only the person of this number has.
pub fn address(n: u64) -> String {
    format!("{:06x}.{n}@example.com", scattered(n) >> 40)
}

/// One of some thousand family names.
pub fn family(n: u64) -> String {
    format!("Name {}", scattered(n) >> 52)
}
