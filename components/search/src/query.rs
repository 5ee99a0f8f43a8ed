//! What is asked for. Its text never becomes syntax of FTS5 or SQL.

use serde::{Deserialize, Serialize};

use crate::words;

/// Products per page.
pub const LIMIT: usize = 20;
/// Words beyond are not looked for.
const WORDS_MAX: usize = 32;

/// A search.
#[derive(Clone, Debug)]
pub struct Query {
    /// The last one is the beginning of a word; without any, all products are meant.
    pub words: Vec<String>,
    pub matching: Matching,
    /// A category's slug.
    pub category: Option<String>,
    /// Both bounds are included.
    pub price_min: Option<u64>,
    pub price_max: Option<u64>,
    pub in_stock: Option<bool>,
    pub sort: Sort,
    pub limit: usize,
    pub after: Option<Cursor>,
}

impl Query {
    /// A search for the words of a text.
    pub fn new(text: &str) -> Query {
        Query {
            words: words::split(text).take(WORDS_MAX).collect(),
            matching: Matching::All,
            category: None,
            price_min: None,
            price_max: None,
            in_stock: None,
            sort: Sort::Relevance,
            limit: LIMIT,
            after: None,
        }
    }
}

/// Which of the words a product must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    All,
    Any,
}

/// Words as an expression for MATCH: in quotes they are nothing but words.
pub fn expression(words: &[String], matching: Matching) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let between = match matching {
        Matching::All => " ",
        Matching::Any => " OR ",
    };
    format!("{}*", quoted.join(between))
}

/// The order of the hits; where it does not decide, the order in which products came to the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By title where there are no words.
    Relevance,
    Price,
    PriceDescending,
    Title,
}

impl Sort {
    /// Reads it as the interface writes it.
    pub fn read(text: &str) -> Option<Sort> {
        match text {
            "relevance" => Some(Sort::Relevance),
            "price" => Some(Sort::Price),
            "-price" => Some(Sort::PriceDescending),
            "title" => Some(Sort::Title),
            _ => None,
        }
    }
}

/// Where a page ends: the sort key of its last hit, and its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub Key, pub i64);

/// What hits are sorted by, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    Number(i64),
    Text(String),
}

impl Cursor {
    /// As clients hold it.
    pub fn write(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        json.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`Cursor::write`] has written.
    pub fn read(text: &str) -> Option<Cursor> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        let digits = digits?;
        let bytes = digits.chunks(2).map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        });
        serde_json::from_slice(&bytes.collect::<Option<Vec<u8>>>()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Cursor, Key, Matching, Query, expression};

    #[test]
    fn words_stand_in_quotes_and_the_last_is_a_prefix() {
        let query = Query::new("title:Lamp OR \"desk* NEAR(");
        let expected = r#""title" "lamp" "or" "desk" "near"*"#;
        assert_eq!(expression(&query.words, Matching::All), expected);
        let any = expression(&Query::new("or lamp").words, Matching::Any);
        assert_eq!(any, r#""or" OR "lamp"*"#);
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(text in any::<String>(), number in any::<i64>()) {
            for key in [Key::Text(text.clone()), Key::Number(number)] {
                let cursor = Cursor(key, number);
                prop_assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
            }
        }

        #[test]
        fn any_text_is_read_as_a_cursor_without_a_panic(text in any::<String>()) {
            let _ = Cursor::read(&text);
        }
    }
}
