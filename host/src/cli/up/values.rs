//! The values of `kumiki up`'s flags that are more than a word: addresses, pairs, times, ranges and
//! variables.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Reads `HOST:PORT`. A name that stands for several addresses gives 127.0.0.1 where it is one of
/// them, as Spin does, so that `localhost` means the same on every machine.
pub fn parse_listen_address(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write it as HOST:PORT, like 127.0.0.1:3000"))?
        .collect();
    let preferred = addresses
        .iter()
        .find(|address| address.ip() == Ipv4Addr::LOCALHOST);
    preferred
        .or(addresses.first())
        .copied()
        .ok_or_else(|| format!("{text} has no address"))
}

/// Reads `KEY=VALUE`; the value may hold further equals signs, and may be empty.
pub fn parse_key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form KEY=VALUE")),
    }
}

/// A time in milliseconds. Of a range `A..B`, from which Spin draws one, the longer end counts: it
/// is the limit that no draw exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationLimit(pub u64);

impl FromStr for DurationLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = match text.split_once("..") {
            Some((start, end)) => (parse_milliseconds(start)?, parse_milliseconds(end)?),
            None => (0, parse_milliseconds(text)?),
        };
        if start > end {
            return Err(format!("the range `{text}` ends before it starts"));
        }
        Ok(Self(end))
    }
}

/// A number; of a range `A..B`, the end counts, for the reason of [`DurationLimit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountLimit(pub u64);

impl FromStr for CountLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            part.parse::<u64>()
                .map_err(|_| format!("`{text}` is not a number or a range like 1..8"))
        };
        match text.split_once("..") {
            // Spin's ranges exclude their end.
            Some((start, end)) => match (number(start)?, number(end)?) {
                (start, end) if start < end => Ok(Self(end - 1)),
                _ => Err(format!("the range `{text}` is empty")),
            },
            None => number(text).map(Self),
        }
    }
}

/// A number is of seconds; the suffixes are s, ms, us (or μs) and ns. What is shorter than a
/// millisecond counts as one.
fn parse_milliseconds(text: &str) -> Result<u64, String> {
    let suffixes: [(&str, u64, u64); 5] = [
        ("ms", 1, 1),
        ("us", 1, 1_000),
        ("μs", 1, 1_000),
        ("ns", 1, 1_000_000),
        ("s", 1_000, 1),
    ];
    let (digits, factor, divisor) = suffixes
        .iter()
        .find_map(|(suffix, factor, divisor)| {
            text.strip_suffix(suffix)
                .map(|digits| (digits, *factor, *divisor))
        })
        .unwrap_or((text, 1_000, 1));
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("`{text}` is not a time like 30, 30s or 500ms"))?;
    let milliseconds = number
        .checked_mul(factor)
        .ok_or_else(|| format!("the time `{text}` is too long"))?;
    Ok(milliseconds.div_ceil(divisor))
}

/// One `--variable`. Debug leaves its value out, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum VariableSource {
    /// `KEY=VALUE`.
    Value { key: String, value: String },
    /// `KEY=@FILE`: the file's text is the value.
    ValueOfFile { key: String, path: PathBuf },
    /// `@FILE.json`: an object of strings.
    Json(PathBuf),
    /// `@FILE.toml`: a table of strings.
    Toml(PathBuf),
}

/// Why a file of variables cannot be used. None of the texts holds a value, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum VariablesError {
    #[error("the variables' file {path} cannot be read: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not an object whose values are all strings (line {line}, column {column})")]
    NotJson {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    #[error("{path} is not a table whose values are all strings")]
    NotToml { path: PathBuf },
}

impl FromStr for VariableSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix('@') {
            let path = PathBuf::from(path);
            return match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => Ok(Self::Json(path)),
                Some("toml") => Ok(Self::Toml(path)),
                _ => Err("a file of variables ends with .json or .toml".to_owned()),
            };
        }
        // The text is not repeated in the error: it may be a secret without its name.
        let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err("write KEY=VALUE, KEY=@FILE, @FILE.json or @FILE.toml".to_owned());
        };
        let key = key.to_owned();
        Ok(match value.strip_prefix('@') {
            Some(path) => Self::ValueOfFile {
                key,
                path: PathBuf::from(path),
            },
            None => Self::Value {
                key,
                value: value.to_owned(),
            },
        })
    }
}

impl VariableSource {
    /// The variables that this source gives. Relative paths start at `current_directory`.
    pub fn read(
        &self,
        current_directory: &Path,
    ) -> Result<BTreeMap<String, String>, VariablesError> {
        let text = |path: &Path| {
            let path = current_directory.join(path);
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok(text),
                Err(source) => Err(VariablesError::Unreadable { path, source }),
            }
        };
        match self {
            Self::Value { key, value } => Ok(BTreeMap::from([(key.clone(), value.clone())])),
            Self::ValueOfFile { key, path } => Ok(BTreeMap::from([(key.clone(), text(path)?)])),
            Self::Json(path) => serde_json::from_str(&text(path)?).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                VariablesError::NotJson {
                    path: path.clone(),
                    line,
                    column,
                }
            }),
            Self::Toml(path) => toml::from_str(&text(path)?)
                .map_err(|_| VariablesError::NotToml { path: path.clone() }),
        }
    }
}

impl fmt::Debug for VariableSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { key, .. } => out.debug_tuple("Value").field(key).finish(),
            Self::ValueOfFile { key, path } => out
                .debug_tuple("ValueOfFile")
                .field(key)
                .field(path)
                .finish(),
            Self::Json(path) => out.debug_tuple("Json").field(path).finish(),
            Self::Toml(path) => out.debug_tuple("Toml").field(path).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn an_address_needs_host_and_port() {
        let expected = "127.0.0.1:3000".parse().unwrap();
        assert_eq!(parse_listen_address("127.0.0.1:3000"), Ok(expected));
        assert!(
            parse_listen_address("3000")
                .unwrap_err()
                .contains("HOST:PORT")
        );
    }

    #[test]
    fn localhost_means_the_address_of_version_four() {
        let address = parse_listen_address("localhost:12345").unwrap();
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    }

    #[test]
    fn times_have_spins_suffixes() {
        let limit = |text: &str| text.parse::<DurationLimit>().map(|limit| limit.0);
        assert_eq!(limit("30"), Ok(30_000));
        assert_eq!(limit("30s"), Ok(30_000));
        assert_eq!(limit("500ms"), Ok(500));
        assert_eq!(limit("1500us"), Ok(2));
        assert_eq!(limit("1μs"), Ok(1));
        assert_eq!(limit("1..8s"), Ok(8_000));
        assert!(limit("8s..1s").is_err());
        assert!(limit("soon").is_err());
        assert!(limit("99999999999999999999").is_err());
        assert!(
            limit("18446744073709551615s")
                .unwrap_err()
                .contains("too long")
        );
    }

    #[test]
    fn counts_may_be_ranges() {
        let limit = |text: &str| text.parse::<CountLimit>().map(|limit| limit.0);
        assert_eq!(limit("128"), Ok(128));
        assert_eq!(limit("1..8"), Ok(7));
        assert!(limit("8..8").unwrap_err().contains("empty"));
        assert!(limit("many").is_err());
    }

    #[test]
    fn variables_come_from_arguments_and_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.txt"), "s3cret\n").unwrap();
        std::fs::write(folder.path().join("all.json"), r#"{"a": "1", "b": "2"}"#).unwrap();
        std::fs::write(folder.path().join("all.toml"), "c = \"3\"").unwrap();
        let read = |text: &str| {
            text.parse::<VariableSource>()
                .unwrap()
                .read(folder.path())
                .unwrap()
        };
        assert_eq!(
            read("key=a=b"),
            BTreeMap::from([("key".into(), "a=b".into())])
        );
        assert_eq!(
            read("key=@secret.txt"),
            BTreeMap::from([("key".into(), "s3cret\n".into())])
        );
        assert_eq!(read("@all.json").len(), 2);
        assert_eq!(
            read("@all.toml"),
            BTreeMap::from([("c".into(), "3".into())])
        );
    }

    #[test]
    fn errors_never_repeat_a_value() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.json"), r#"{"a": "s3cret", "b": 2}"#).unwrap();
        std::fs::write(folder.path().join("all.toml"), "a = \"s3cret\"\nb = 2").unwrap();
        for name in ["@all.json", "@all.toml"] {
            let source: VariableSource = name.parse().unwrap();
            let message = source.read(folder.path()).unwrap_err().to_string();
            assert!(!message.contains("s3cret"), "{message}");
        }
        assert!(
            !"s3cret"
                .parse::<VariableSource>()
                .unwrap_err()
                .contains("s3cret")
        );
        let source: VariableSource = "password=s3cret".parse().unwrap();
        assert!(!format!("{source:?}").contains("s3cret"));
    }

    proptest! {
        #[test]
        fn every_pair_comes_back(key in "[^=@]+", value in any::<String>()) {
            let text = format!("{key}={value}");
            prop_assert_eq!(parse_key_value(&text), Ok((key, value)));
        }

        #[test]
        fn parsers_accept_any_text_without_panic(text in any::<String>()) {
            let _ = text.parse::<DurationLimit>();
            let _ = text.parse::<CountLimit>();
            let _ = text.parse::<VariableSource>();
        }
    }
}
