//! What a redis server answers, in the values of the interfaces.

use redis::{ErrorKind, ServerErrorKind, Value};

use super::RedisError;

/// One value of an answer to `execute`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Nil,
    Status(String),
    Integer(i64),
    Binary(Vec<u8>),
}

/// A command that failed. The interfaces have a case of their own for a value of the wrong type.
pub(super) fn from_redis(error: redis::RedisError) -> RedisError {
    let is_wrong_type = error.kind() == ErrorKind::UnexpectedReturnType
        || error.code() == Some("WRONGTYPE")
        || error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
            && error
                .detail()
                .is_some_and(|text| text.starts_with("value is not an integer"));
    if is_wrong_type {
        RedisError::WrongType
    } else {
        RedisError::Other(error.to_string())
    }
}

/// Flattens an answer: nested arrays become one list, as the interfaces have no nesting.
pub(super) fn items(value: Value) -> Result<Vec<Item>, RedisError> {
    let mut items = Vec::new();
    append(&mut items, value)?;
    Ok(items)
}

fn append(items: &mut Vec<Item>, value: Value) -> Result<(), RedisError> {
    let item = match value {
        Value::Nil => Item::Nil,
        Value::Int(number) => Item::Integer(number),
        Value::Boolean(truth) => Item::Integer(i64::from(truth)),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => Item::Binary(bytes),
        Value::Double(number) => Item::Binary(number.to_string().into_bytes()),
        Value::SimpleString(text) => Item::Status(text),
        Value::Okay => Item::Status("OK".to_owned()),
        Value::Array(values) | Value::Set(values) => {
            return values
                .into_iter()
                .try_for_each(|value| append(items, value));
        }
        Value::ServerError(error) => return Err(from_redis(error.into())),
        // `Value` may grow; what the interface has no case for is refused, as Spin does.
        other => {
            return Err(RedisError::Other(format!(
                "an answer of the kind {} has no place in the interface",
                kind(&other)
            )));
        }
    };
    items.push(item);
    Ok(())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Map(_) => "map",
        Value::Attribute { .. } => "attribute",
        Value::VerbatimString { .. } => "verbatim string",
        Value::Push { .. } => "push",
        _ => "unknown",
    }
}

/// The members of a set, which the interface has as texts.
pub(super) fn texts(value: Value) -> Result<Vec<String>, RedisError> {
    let text = |item| match item {
        Item::Binary(bytes) => String::from_utf8(bytes).map_err(|_| RedisError::WrongType),
        Item::Status(text) => Ok(text),
        Item::Integer(number) => Ok(number.to_string()),
        Item::Nil => Err(RedisError::WrongType),
    };
    items(value)?.into_iter().map(text).collect()
}

/// A single value that may be absent.
pub(super) fn payload(value: Value) -> Result<Option<Vec<u8>>, RedisError> {
    let mut items = items(value)?;
    match (items.pop(), items.is_empty()) {
        (Some(Item::Nil), true) => Ok(None),
        (Some(Item::Binary(bytes)), true) => Ok(Some(bytes)),
        (Some(Item::Status(text)), true) => Ok(Some(text.into_bytes())),
        (Some(Item::Integer(number)), true) => Ok(Some(number.to_string().into_bytes())),
        (_, false) | (None, _) => Err(RedisError::WrongType),
    }
}

/// A single number.
pub(super) fn integer(value: Value) -> Result<i64, RedisError> {
    match value {
        Value::Int(number) => Ok(number),
        Value::ServerError(error) => Err(from_redis(error.into())),
        _ => Err(RedisError::WrongType),
    }
}

/// How many keys or members a command changed.
pub(super) fn count(value: Value) -> Result<u32, RedisError> {
    u32::try_from(integer(value)?).map_err(|_| RedisError::WrongType)
}

/// An answer of which only its success matters.
pub(super) fn nothing(value: Value) -> Result<(), RedisError> {
    match value {
        Value::ServerError(error) => Err(from_redis(error.into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Value, count, integer, items, payload, texts};
    use crate::capabilities::redis::RedisError;

    fn binary(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn nested_answers_become_one_list() {
        let nested = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![Value::Nil, binary("x")]),
            Value::Okay,
        ]);
        assert_eq!(
            items(nested).unwrap(),
            [
                Item::Integer(1),
                Item::Nil,
                Item::Binary(b"x".to_vec()),
                Item::Status("OK".into())
            ]
        );
        let map = Value::Map(vec![(binary("k"), binary("v"))]);
        assert!(matches!(items(map), Err(RedisError::Other(text)) if text.contains("map")));
    }

    #[test]
    fn single_values_have_their_type() {
        assert_eq!(payload(Value::Nil).unwrap(), None);
        assert_eq!(payload(binary("x")).unwrap(), Some(b"x".to_vec()));
        let two = Value::Array(vec![binary("a"), binary("b")]);
        assert_eq!(payload(two), Err(RedisError::WrongType));
        assert_eq!(integer(binary("1")), Err(RedisError::WrongType));
        assert_eq!(count(Value::Int(-1)), Err(RedisError::WrongType));
        assert_eq!(texts(Value::Array(vec![binary("a")])).unwrap(), ["a"]);
        let no_text = Value::BulkString(vec![0xff]);
        assert_eq!(texts(no_text), Err(RedisError::WrongType));
    }
}
