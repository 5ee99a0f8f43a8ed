//! A product, its id, and what makes them valid. How they are stored and sent is left to others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The largest id: the largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
pub const ID_MAX: u64 = (1 << 53) - 1;
/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 200;
/// The highest price, in whole units of the store's currency. A million such lines still add up
/// without overflow.
pub const PRICE_MAX: u64 = 1_000_000_000_000;

/// The id of a product, from 1 to [`ID_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Id(u64);

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not a decimal number in its shortest form.
    NotANumber,
    /// A number, but not from 1 to [`ID_MAX`], so no product has it.
    OutOfRange,
}

impl Id {
    /// `None`: not from 1 to [`ID_MAX`].
    pub const fn new(number: u64) -> Option<Id> {
        if number >= 1 && number <= ID_MAX {
            Some(Id(number))
        } else {
            None
        }
    }

    /// The number itself.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Id, IdError> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || (text.len() > 1 && text.starts_with('0')) {
            return Err(IdError::NotANumber);
        }
        // Nothing but digits is left, so a failure to parse means too many of them.
        text.parse()
            .ok()
            .and_then(Id::new)
            .ok_or(IdError::OutOfRange)
    }
}

/// A product without its id. The order of the fields is their order in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub name: String,
    /// In whole units of the store's currency.
    pub price: u64,
}

impl Product {
    /// The JSON that is stored and sent.
    pub fn to_json(&self) -> Vec<u8> {
        // A text and an integer always have a JSON form; there is no error to report.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`Product::to_json`] wrote. `None`: something else stands there.
    pub fn from_json(json: &[u8]) -> Option<Product> {
        serde_json::from_slice(json).ok()
    }
}

/// Checks a name; the error says what is wrong, to be read after "name".
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if name.chars().count() > NAME_CHARACTERS_MAX {
        return Err(format!(
            "must have at most {NAME_CHARACTERS_MAX} characters"
        ));
    }
    if name.chars().any(char::is_control) {
        return Err("must not have control characters".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{ID_MAX, Id, IdError, Product, check_name};

    #[test]
    fn ids_are_numbers_in_their_shortest_form() {
        for text in ["", "a", "-1", "+1", "01", "00", "1.0", " 1", "1 ", "١"] {
            assert_eq!(text.parse::<Id>(), Err(IdError::NotANumber), "{text:?}");
        }
        for text in ["0", "9007199254740992", "99999999999999999999999"] {
            assert_eq!(text.parse::<Id>(), Err(IdError::OutOfRange), "{text:?}");
        }
        assert_eq!("1".parse::<Id>().ok(), Id::new(1));
        assert_eq!("9007199254740991".parse::<Id>().ok(), Id::new(ID_MAX));
    }

    #[test]
    fn names_are_bounded_in_characters_not_bytes() {
        assert!(check_name(&"é".repeat(200)).is_ok());
        assert!(check_name(&"é".repeat(201)).is_err());
        for name in ["", "  \t", "a\nb", "\u{1b}[31m"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn json_has_its_members_in_order() {
        let laptop = Product {
            name: "Laptop".to_owned(),
            price: 1200,
        };
        assert_eq!(laptop.to_json(), br#"{"name":"Laptop","price":1200}"#);
    }

    proptest! {
        #[test]
        fn json_is_read_back_as_written(name in any::<String>(), price in any::<u64>()) {
            let product = Product { name, price };
            assert_eq!(Product::from_json(&product.to_json()), Some(product));
        }

        #[test]
        fn every_id_is_read_back_as_written(number in 1..=ID_MAX) {
            let id = Id::new(number).unwrap();
            assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn an_id_that_is_accepted_is_written_the_same(text in "[0-9]{0,20}|\\PC{0,4}") {
            if let Ok(id) = text.parse::<Id>() {
                assert_eq!(id.to_string(), text);
            }
        }
    }
}
