//! What the callers of the linked works call with. Shared by the guest that calls by links and the
//! native caller, so it needs nothing but the standard library.

/// Records in one call of `total`.
pub const RECORDS: u32 = 1_000;

/// Bytes in one call of `bytes`.
pub const BYTES: usize = 64 * 1024;

/// The name of an article in an order.
pub fn sku(number: u32) -> String {
    format!("article-{number:05}")
}
