//! A product as a client sends it: JSON is read strictly, and every field that is wrong is named.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use crate::product::{ID_MAX, Id, PRICE_MAX, Product, check_name};

/// How many wrong members are named; a body may hold thousands.
const ERRORS_MAX: usize = 16;

/// A valid product, with the id that the client chose for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub id: Option<Id>,
    pub product: Product,
}

/// What is wrong with one member of the client's object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The member's name; empty where the whole body is wrong.
    pub field: String,
    /// To be read after the field's name.
    pub detail: String,
}

/// Why a body is not a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftError {
    /// Not JSON, or a member stands twice, which readers understand in different ways.
    Malformed(String),
    /// JSON, but not a product. Never empty.
    Invalid(Vec<FieldError>),
}

impl Draft {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Draft, DraftError> {
        let members = match serde_json::from_slice(body) {
            Ok(Members::Object(members)) => members,
            Ok(Members::Repeated(name)) => {
                return Err(DraftError::Malformed(format!(
                    "the member `{name}` stands twice"
                )));
            }
            Err(error) => return Err(not_an_object(&error)),
        };
        let mut fields = Fields::default();
        for (name, value) in members {
            fields.read(name, &value);
        }
        fields.into_draft()
    }
}

fn not_an_object(error: &serde_json::Error) -> DraftError {
    match error.classify() {
        Category::Data => DraftError::Invalid(vec![FieldError {
            field: String::new(),
            detail: "the body must be a JSON object with `name` and `price`".to_owned(),
        }]),
        Category::Io | Category::Syntax | Category::Eof => DraftError::Malformed(format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        )),
    }
}

#[derive(Default)]
struct Fields {
    id: Option<Id>,
    name: Option<String>,
    price: Option<u64>,
    errors: Vec<FieldError>,
}

impl Fields {
    fn read(&mut self, field: String, value: &Value) {
        let result = match field.as_str() {
            "id" => read_id(value).map(|id| self.id = Some(id)),
            "name" => read_name(value).map(|name| self.name = Some(name)),
            "price" => read_price(value).map(|price| self.price = Some(price)),
            _ => Err("is not known".to_owned()),
        };
        if let Err(detail) = result
            && self.errors.len() < ERRORS_MAX
        {
            self.errors.push(FieldError { field, detail });
        }
    }

    fn into_draft(mut self) -> Result<Draft, DraftError> {
        for (field, is_missing) in [
            ("name", self.name.is_none()),
            ("price", self.price.is_none()),
        ] {
            if is_missing && !self.errors.iter().any(|error| error.field == field) {
                let detail = "is missing".to_owned();
                self.errors.push(FieldError {
                    field: field.to_owned(),
                    detail,
                });
            }
        }
        match (self.name, self.price) {
            (Some(name), Some(price)) if self.errors.is_empty() => Ok(Draft {
                id: self.id,
                product: Product { name, price },
            }),
            _ => Err(DraftError::Invalid(self.errors)),
        }
    }
}

fn read_id(value: &Value) -> Result<Id, String> {
    let id = value.as_u64().and_then(Id::new);
    id.ok_or_else(|| format!("must be an integer from 1 to {ID_MAX}"))
}

fn read_name(value: &Value) -> Result<String, String> {
    let name = value
        .as_str()
        .ok_or_else(|| "must be a string".to_owned())?;
    check_name(name)?;
    Ok(name.to_owned())
}

fn read_price(value: &Value) -> Result<u64, String> {
    let price = value.as_u64().filter(|price| *price <= PRICE_MAX);
    price.ok_or_else(|| format!("must be an integer from 0 to {PRICE_MAX}"))
}

/// The members of an object in the order in which they stand, or the first name that stands twice.
enum Members {
    Object(Vec<(String, Value)>),
    Repeated(String),
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut repeated = None;
        // Read to the end even so, because a body that is no JSON at all is the plainer error.
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            // So many members are an error already; the limit keeps this search short.
            if members.len() < ERRORS_MAX && members.iter().any(|(known, _)| *known == name) {
                repeated.get_or_insert(name);
            } else {
                members.push((name, value));
            }
        }
        Ok(repeated.map_or(Members::Object(members), Members::Repeated))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Draft, DraftError};
    use crate::product::{Id, Product};

    fn invalid_fields(body: &str) -> Vec<String> {
        match Draft::parse(body.as_bytes()) {
            Err(DraftError::Invalid(errors)) => errors.into_iter().map(|one| one.field).collect(),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_draft_is_read_with_and_without_an_id() {
        let product = Product {
            name: "Pen".to_owned(),
            price: 3,
        };
        assert_eq!(
            Draft::parse(br#" {"price":3,"name":"Pen"} "#),
            Ok(Draft {
                id: None,
                product: product.clone()
            })
        );
        assert_eq!(
            Draft::parse(br#"{"id":7,"name":"Pen","price":3}"#),
            Ok(Draft {
                id: Id::new(7),
                product
            })
        );
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in [
            "",
            "{",
            "{\"name\":}",
            "nul",
            "{} {}",
            "{\"a\":1}x",
            "\u{feff}{}",
        ] {
            let result = Draft::parse(body.as_bytes());
            assert!(
                matches!(result, Err(DraftError::Malformed(_))),
                "{body:?}: {result:?}"
            );
        }
        let deep = "[".repeat(60_000);
        let body = format!("{{\"name\":{deep}");
        assert!(matches!(
            Draft::parse(body.as_bytes()),
            Err(DraftError::Malformed(_))
        ));
        assert!(matches!(
            Draft::parse(b"{\"name\":\"\xff\"}"),
            Err(DraftError::Malformed(_))
        ));
    }

    #[test]
    fn a_member_that_stands_twice_is_malformed() {
        let body = br#"{"name":"Pen","price":3,"price":4}"#;
        let text = "the member `price` stands twice".to_owned();
        assert_eq!(Draft::parse(body), Err(DraftError::Malformed(text)));
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(invalid_fields("[]"), [""]);
        assert_eq!(invalid_fields("3"), [""]);
        assert_eq!(invalid_fields("{}"), ["name", "price"]);
        assert_eq!(invalid_fields(r#"{"name":"","price":1}"#), ["name"]);
        assert_eq!(
            invalid_fields(r#"{"name":null,"price":-1}"#),
            ["name", "price"]
        );
        assert_eq!(
            invalid_fields(r#"{"name":"a","price":1,"colour":"red","id":0}"#),
            ["colour", "id"]
        );
        for price in [
            "-1",
            "1.5",
            "1.0",
            "\"3\"",
            "1000000000001",
            "1e3",
            "null",
            "true",
        ] {
            let body = format!(r#"{{"name":"a","price":{price}}}"#);
            assert_eq!(invalid_fields(&body), ["price"], "{price}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(body in any::<Vec<u8>>()) {
            let _ = Draft::parse(&body);
        }

        #[test]
        fn what_was_written_is_read(name in "[^\\p{C}\\s]{1,200}", price in 0..=1_000_000_000_000u64) {
            let product = Product { name, price };
            let draft = Draft::parse(&product.to_json());
            assert_eq!(draft, Ok(Draft { id: None, product }));
        }
    }
}
