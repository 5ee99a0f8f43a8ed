//! Times as the admin API shows them.

use chrono::{DateTime, SecondsFormat, Utc};

/// Milliseconds since 1970 as RFC 3339 in UTC.
pub fn rfc3339(time_ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(time_ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
