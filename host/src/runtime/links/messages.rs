//! How large the values of a linked call are.

use wasmtime::component::Val;

use crate::runtime::failure::InvocationError;

/// Refuses values that are larger together than `bytes_max`.
pub fn check(what: &'static str, values: &[Val], bytes_max: usize) -> Result<(), InvocationError> {
    let bytes = values.iter().map(bytes).fold(0, usize::saturating_add);
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(InvocationError::TooLarge {
        what,
        bytes,
        bytes_max,
    })
}

/// The bytes of text and lists, and of everything else the size in the component model's canonical
/// ABI, without the padding between fields.
fn bytes(value: &Val) -> usize {
    match value {
        Val::Bool(_) | Val::S8(_) | Val::U8(_) | Val::Enum(_) => 1,
        Val::S16(_) | Val::U16(_) => 2,
        Val::S32(_) | Val::U32(_) | Val::Float32(_) | Val::Char(_) => 4,
        Val::S64(_) | Val::U64(_) | Val::Float64(_) => 8,
        Val::String(text) => text.len(),
        // Values of a list are of one kind, and these have one size.
        Val::List(values) if matches!(values.first(), Some(Val::U8(_) | Val::S8(_))) => {
            values.len()
        }
        Val::List(values) | Val::FixedLengthList(values) | Val::Tuple(values) => sum(values),
        Val::Record(fields) => fields.iter().map(|(_, value)| bytes(value)).sum(),
        Val::Map(entries) => entries
            .iter()
            .map(|(key, value)| bytes(key).saturating_add(bytes(value)))
            .sum(),
        Val::Variant(_, value) => 1 + value.as_deref().map_or(0, bytes),
        Val::Option(value) => 1 + value.as_deref().map_or(0, bytes),
        Val::Result(Ok(value) | Err(value)) => 1 + value.as_deref().map_or(0, bytes),
        Val::Flags(flags) => flags.len().div_ceil(8).max(1),
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => 4,
    }
}

fn sum(values: &[Val]) -> usize {
    values.iter().map(bytes).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Val;

    use super::{bytes, check};

    #[test]
    fn text_and_lists_count_their_bytes() {
        assert_eq!(bytes(&Val::String("héllo".to_owned())), 6);
        assert_eq!(bytes(&Val::List(vec![Val::U8(1); 70_000])), 70_000);
        let record = Val::Record(vec![
            ("id".to_owned(), Val::U32(1)),
            (
                "tags".to_owned(),
                Val::List(vec![Val::String("ab".to_owned()); 3]),
            ),
        ]);
        assert_eq!(bytes(&record), 10);
        let pair = Val::Tuple(vec![Val::U8(1), Val::U64(2)]);
        assert_eq!(bytes(&Val::Option(Some(Box::new(pair)))), 10);
        assert_eq!(bytes(&Val::Flags(Vec::new())), 1);
    }

    #[test]
    fn a_message_may_be_as_large_as_its_limit() {
        let values = [Val::String("a".repeat(10)), Val::U8(1)];
        assert!(check("the arguments", &values, 11).is_ok());
        let error = check("the arguments", &values, 10).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the arguments take 11 bytes, more than the link's message_bytes_max of 10"
        );
    }
}
