//! The `traceparent` header of W3C Trace Context (level 1): read, written and continued. The header
//! `tracestate` is left to the guests that care for it.

use std::fmt;
use std::str::FromStr;

use super::identity::random_u64;

/// Which trace an invocation belongs to, and the span that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Never 0.
    trace_id: u128,
    /// Never 0.
    span_id: u64,
    /// Bit 0: the caller records this trace.
    flags: u8,
}

/// The text is not a `traceparent` that the specification allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// Starts a trace that nobody records yet.
    pub fn start() -> Self {
        let trace_id = u128::from(random_u64()) << 64 | u128::from(random_u64());
        Self {
            trace_id,
            span_id: random_u64(),
            flags: 0,
        }
    }

    /// A new span in the same trace.
    pub fn child(self) -> Self {
        Self {
            span_id: random_u64(),
            ..self
        }
    }

    /// The span that a caller's header leads to; a header that is missing or invalid starts a new
    /// trace, as the specification asks.
    pub fn continue_from(header: Option<&str>) -> Self {
        match header.map(str::parse::<Self>) {
            Some(Ok(parent)) => parent.child(),
            Some(Err(InvalidTraceparent)) | None => Self::start(),
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let mut fields = text.split('-');
        let mut field = |digits: usize| {
            fields
                .next()
                .filter(|field| is_lower_hex(field, digits))
                .ok_or(InvalidTraceparent)
        };
        let version = field(2)?;
        let trace_id = u128::from_str_radix(field(32)?, 16).map_err(|_| InvalidTraceparent)?;
        let span_id = u64::from_str_radix(field(16)?, 16).map_err(|_| InvalidTraceparent)?;
        let flags = u8::from_str_radix(field(2)?, 16).map_err(|_| InvalidTraceparent)?;
        // Later versions may append fields; version 00 may not, and version ff does not exist.
        let too_long = version == "00" && fields.next().is_some();
        if version == "ff" || too_long || trace_id == 0 || span_id == 0 {
            return Err(InvalidTraceparent);
        }
        Ok(Self {
            trace_id,
            span_id,
            flags,
        })
    }
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InvalidTraceparent, TraceContext};

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_valid_header_is_continued_in_a_new_span() {
        let context = TraceContext::continue_from(Some(VALID)).to_string();
        assert!(
            context.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
            "{context}"
        );
        assert!(context.ends_with("-01"), "{context}");
        assert!(!context.contains("b7ad6b7169203331"), "{context}");
    }

    #[test]
    fn invalid_headers_are_refused() {
        for text in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(
                text.parse::<TraceContext>(),
                Err(InvalidTraceparent),
                "{text}"
            );
        }
        assert!(
            VALID
                .replacen("00", "01", 1)
                .parse::<TraceContext>()
                .is_ok()
        );
        assert!(
            format!("{}-x", VALID.replacen("00", "01", 1))
                .parse::<TraceContext>()
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id in 1u128.., span_id in 1u64.., flags: u8) {
            let context = TraceContext { trace_id, span_id, flags };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
        }

        #[test]
        fn any_text_is_survived(text in "[0-9a-f-]{50,60}|\\PC{0,60}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                let trace_id = format!("{:032x}", context.trace_id);
                prop_assert!(text.contains(&trace_id));
            }
        }
    }
}
