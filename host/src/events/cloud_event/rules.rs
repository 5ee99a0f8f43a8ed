//! What the specification asks of the values of attributes.

use std::borrow::Cow;

use chrono::{DateTime, FixedOffset};

use super::EventError;

/// Characters of an attribute's name, as the specification advises.
const NAME_CHARACTERS_MAX: usize = 20;

/// An error about one attribute. A name can be as long as a header, so it is cut.
pub(super) fn wrong(name: &str, reason: &'static str) -> EventError {
    const SHOWN: usize = 40;
    let name = match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    };
    EventError::Attribute { name, reason }
}

/// Checks the name of an extension.
pub(super) fn check_name(name: &str) -> Result<(), EventError> {
    if name == "data" || name == "data_base64" {
        return Err(wrong(name, "has the name of the event's data"));
    }
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(is_allowed) {
        return Err(wrong(
            name,
            "has a name of other characters than a-z and 0-9",
        ));
    }
    if name.len() > NAME_CHARACTERS_MAX {
        return Err(wrong(name, "has a name of more than 20 characters"));
    }
    Ok(())
}

/// Checks that a text has none of the characters that a CloudEvent's string cannot have: control
/// characters and noncharacters. Surrogates cannot stand in a `str`.
pub(super) fn check_text(name: &str, text: &str) -> Result<(), EventError> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    let is_noncharacter = |character: char| {
        let code = u32::from(character);
        (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
    };
    if text.chars().any(char::is_control) {
        return Err(wrong(name, "has a control character"));
    }
    if text.chars().any(is_noncharacter) {
        return Err(wrong(name, "has a code point that is no character"));
    }
    Ok(())
}

/// Checks that a text is not empty.
pub(super) fn check_filled(name: &str, text: &str) -> Result<(), EventError> {
    match text.is_empty() {
        true => Err(wrong(name, "is empty")),
        false => Ok(()),
    }
}

/// Reads a moment.
pub(super) fn moment(name: &str, text: &str) -> Result<DateTime<FixedOffset>, EventError> {
    // chrono also takes a space before the time, and a minus sign beyond ASCII.
    let is_plain = text.is_ascii() && matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let moment = is_plain.then(|| DateTime::parse_from_rfc3339(text).ok());
    moment
        .flatten()
        .ok_or_else(|| wrong(name, "is no time of RFC 3339, such as 2026-01-31T12:00:00Z"))
}

/// Checks an absolute URI (RFC 3986): a scheme, and only characters that may stand in one.
pub(super) fn check_uri(name: &str, text: &str) -> Result<(), EventError> {
    let scheme = text.split_once(':').filter(|(scheme, rest)| {
        let mut bytes = scheme.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        begins
            && !rest.is_empty()
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if scheme.is_none() || !text.bytes().all(is_allowed) || has_broken_percent(text.as_bytes()) {
        return Err(wrong(name, "is no absolute URI"));
    }
    Ok(())
}

/// Whether a `%` stands without two hexadecimal digits behind it.
pub(super) fn has_broken_percent(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|byte| *byte == b'%');
    parts.next();
    parts.any(|part| {
        !part
            .get(..2)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Checks a media type (RFC 2045): `type/subtype`, and what may follow it in a header.
pub(super) fn check_media_type(name: &str, text: &str) -> Result<(), EventError> {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let is_token = |part: &str| {
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(is_allowed)
    };
    let is_type = essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let is_visible = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    match is_type && is_visible && !text.ends_with(' ') {
        true => Ok(()),
        false => Err(wrong(name, "is no media type, such as application/json")),
    }
}

/// Whether data of this media type is JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let suffix = subtype
        .rsplit_once('+')
        .map_or(subtype, |(_, suffix)| suffix);
    suffix.eq_ignore_ascii_case("json")
}

/// A header's value as the HTTP binding has it (section 3.1.3.2): quoted or not, percent-encoded
/// once. Space and `"` may stand as they are, as older versions of the specification wrote them.
pub(super) fn decoded<'v>(name: &str, value: &'v [u8]) -> Result<Cow<'v, str>, EventError> {
    let text = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii());
    let text = text.ok_or_else(|| wrong(name, "has bytes beyond ASCII; percent-encode them"))?;
    let text = match text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        Some(quoted) if quoted.contains('\\') => Cow::Owned(without_escapes(quoted)),
        Some(quoted) => Cow::Borrowed(quoted),
        None => Cow::Borrowed(text),
    };
    if !text.contains('%') {
        return Ok(text);
    }
    if has_broken_percent(text.as_bytes()) {
        return Err(wrong(name, "has a `%` without two digits; write `%25`"));
    }
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    let decoded = decoded.map_err(|_| wrong(name, "is not UTF-8 when percent-decoded"))?;
    Ok(Cow::Owned(decoded.into_owned()))
}

/// What a quoted string means: a backslash makes the next character plain.
fn without_escapes(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => characters.next().unwrap_or('\\'),
            plain => plain,
        });
    }
    text
}
