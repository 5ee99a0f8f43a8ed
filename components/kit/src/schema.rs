//! The part of JSON Schema (2020-12) that the services' documents use, so that the document of a
//! route is also the check of its requests: `type`, `enum`, `required`, `properties`,
//! `additionalProperties: false`, `items`, `minItems`, `maxItems`, `minLength`, `maxLength`,
//! `minimum`, `maximum`, and `$ref` to `#/components/schemas/NAME`. Other words are for readers.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::problem::{FieldError, Problem};

/// How many errors are named; a body may hold thousands.
const ERRORS_MAX: usize = 16;
/// How deep a reference may lead.
const DEPTH_MAX: usize = 16;

/// The schemas of a service by name, read when they are first needed and then kept: an instance
/// answers many requests.
pub struct Schemas {
    text: &'static str,
    read: OnceLock<Result<Value, String>>,
}

impl Schemas {
    /// The schemas in a JSON object.
    pub const fn new(text: &'static str) -> Schemas {
        Schemas {
            text,
            read: OnceLock::new(),
        }
    }

    /// As a JSON object.
    ///
    /// # Errors
    /// 500 when it is none.
    pub fn json(&self) -> Result<&Value, Problem> {
        let read = || serde_json::from_str(self.text).map_err(|error| error.to_string());
        let read = self.read.get_or_init(read).as_ref();
        read.map_err(|error| Problem::internal(&format!("schemas.json: {error}")))
    }
}

/// What is wrong with a value; empty: nothing.
pub fn check(schemas: &Value, schema: &Value, value: &Value) -> Vec<FieldError> {
    let mut check = Check {
        schemas,
        errors: Vec::new(),
    };
    check.value(schema, value, "", 0);
    check.errors
}

struct Check<'s> {
    schemas: &'s Value,
    errors: Vec<FieldError>,
}

impl Check<'_> {
    fn error(&mut self, field: &str, detail: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError {
                field: field.to_owned(),
                detail: detail.into(),
            });
        }
    }

    fn value(&mut self, schema: &Value, value: &Value, field: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return self.error(field, "is nested too deeply");
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            let schemas = self.schemas;
            return match schemas.get(name) {
                Some(schema) => self.value(schema, value, field, depth + 1),
                None => self.error(field, format!("has no schema `{name}`")),
            };
        }
        if let Some(allowed) = types(schema)
            && !allowed.iter().any(|name| is_of_type(name, value))
        {
            return self.error(field, format!("must be {}", article(&allowed)));
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array)
            && !values.contains(value)
        {
            let names: Vec<String> = values.iter().map(Value::to_string).collect();
            return self.error(field, format!("must be one of {}", names.join(", ")));
        }
        match value {
            Value::String(text) => self.text(schema, text, field),
            Value::Number(number) => self.number(schema, number.as_f64(), field),
            Value::Array(items) => self.array(schema, items, field, depth),
            Value::Object(members) => self.object(schema, members, field, depth),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, schema: &Value, text: &str, field: &str) {
        let length = text.chars().count() as u64;
        if let Some(least) = limit(schema, "minLength")
            && length < least
        {
            let detail = if least == 1 {
                "must not be empty".to_owned()
            } else {
                format!("must have at least {least} characters")
            };
            return self.error(field, detail);
        }
        if let Some(most) = limit(schema, "maxLength")
            && length > most
        {
            return self.error(field, format!("must have at most {most} characters"));
        }
        // Control characters have no business in anything that a shop is sent, but for line breaks
        // in long texts.
        let is_long = limit(schema, "maxLength").is_some_and(|most| most > 500);
        let is_wrong = |letter: char| letter.is_control() && !(is_long && letter == '\n');
        if text.chars().any(is_wrong) {
            self.error(field, "must not have control characters");
        }
    }

    fn number(&mut self, schema: &Value, number: Option<f64>, field: &str) {
        let number = number.unwrap_or(f64::NAN);
        for (word, is_wrong, text) in [
            (
                "minimum",
                (|a, b| a < b) as fn(f64, f64) -> bool,
                "at least",
            ),
            ("maximum", |a, b| a > b, "at most"),
        ] {
            if let Some(bound) = schema.get(word)
                && is_wrong(number, bound.as_f64().unwrap_or(f64::NAN))
            {
                return self.error(field, format!("must be {text} {bound}"));
            }
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], field: &str, depth: usize) {
        let length = items.len() as u64;
        if let Some(least) = limit(schema, "minItems")
            && length < least
        {
            return self.error(field, format!("must have at least {least} items"));
        }
        if let Some(most) = limit(schema, "maxItems")
            && length > most
        {
            return self.error(field, format!("must have at most {most} items"));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(schema, item, &join(field, &index.to_string()), depth + 1);
            }
        }
    }

    fn object(&mut self, schema: &Value, members: &Map<String, Value>, field: &str, depth: usize) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                self.error(&join(field, name), "is missing");
            }
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, value) in members {
            match properties.and_then(|properties| properties.get(name)) {
                Some(schema) => self.value(schema, value, &join(field, name), depth + 1),
                None if is_closed => self.error(&join(field, name), "is not known"),
                None => {}
            }
        }
    }
}

fn join(field: &str, name: &str) -> String {
    if field.is_empty() {
        return name.to_owned();
    }
    format!("{field}/{name}")
}

fn limit(schema: &Value, word: &str) -> Option<u64> {
    schema.get(word).and_then(Value::as_u64)
}

fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn article(names: &[&str]) -> String {
    let with_article = names.iter().map(|name| match *name {
        "integer" | "array" | "object" => format!("an {name}"),
        "null" => "null".to_owned(),
        name => format!("a {name}"),
    });
    with_article.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use serde_json::{Value, json};

    use super::check;

    fn errors(schema: &Value, value: &Value) -> Vec<String> {
        let schemas = json!({
            "Line": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": { "type": "string", "minLength": 1, "maxLength": 8 },
                    "quantity": { "type": "integer", "minimum": 1, "maximum": 9 }
                },
                "additionalProperties": false
            }
        });
        let errors = check(&schemas, schema, value).into_iter();
        errors
            .map(|error| format!("{} {}", error.field, error.detail))
            .collect()
    }

    #[test]
    fn every_wrong_field_is_named_with_its_place() {
        let schema = json!({
            "type": "object",
            "properties": { "lines": {
                "type": "array", "items": { "$ref": "#/components/schemas/Line" }, "maxItems": 3
            } }
        });
        let value = json!({ "lines": [
            { "sku": "", "quantity": 0 },
            { "quantity": 1.5, "colour": 1 },
            { "sku": "good", "quantity": 9 },
        ] });
        assert_eq!(
            errors(&schema, &value),
            [
                "lines/0/quantity must be at least 1",
                "lines/0/sku must not be empty",
                "lines/1/sku is missing",
                "lines/1/colour is not known",
                "lines/1/quantity must be an integer",
            ]
        );
        let many = json!({ "lines": [{}, {}, {}, {}] });
        assert_eq!(errors(&schema, &many), ["lines must have at most 3 items"]);
    }

    #[test]
    fn types_and_enums_are_named() {
        let schema = json!({ "type": ["string", "null"], "enum": ["a", null] });
        assert_eq!(errors(&schema, &json!(1)), [" must be a string or null"]);
        assert_eq!(
            errors(&schema, &json!("b")),
            [" must be one of \"a\", null"]
        );
        assert!(errors(&schema, &Value::Null).is_empty());
    }

    #[test]
    fn text_has_no_control_characters() {
        let short = json!({ "type": "string", "maxLength": 100 });
        assert_eq!(errors(&short, &json!("a\u{1b}[1m")).len(), 1);
        let long = json!({ "type": "string", "maxLength": 1000 });
        assert!(errors(&long, &json!("a\nb")).is_empty());
    }

    proptest! {
        #[test]
        fn any_json_is_checked_without_a_panic(text in any::<String>(), number in any::<f64>()) {
            let schema = json!({ "$ref": "#/components/schemas/Line" });
            let _ = errors(&schema, &json!({ "sku": text, "quantity": number, "x": [text] }));
        }
    }
}
