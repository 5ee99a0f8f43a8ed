//! What people type: reading it, and showing it again with what is wrong with it.

use kit::http::{Request, read_query};

use crate::services::Refusal;

/// The fields of a form that was sent.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads the body of a request. What is no form has no fields.
    pub fn read(request: &Request) -> Form {
        let body = request.body.as_deref().unwrap_or_default();
        Form {
            pairs: read_query(&String::from_utf8_lossy(body)),
        }
    }

    /// Reads the query of a request.
    pub fn of_query(request: &Request) -> Form {
        Form {
            pairs: request.query.clone(),
        }
    }

    /// A field's value without blanks around it; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field's value as it was typed, as passwords are kept.
    pub fn raw(&self, name: &str) -> &str {
        let mut found = self.pairs.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, value)| value.as_str())
    }

    /// A field's number, if it has one.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }
}

/// One field of a form as a page shows it.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    /// The `type` of the input.
    pub kind: &'static str,
    /// Its `autocomplete`, without which browsers guess.
    pub autocomplete: &'static str,
    pub hint: &'static str,
    pub is_optional: bool,
    /// A sentence.
    pub error: Option<String>,
}

impl Field {
    pub fn new(name: &'static str, label: &'static str) -> Field {
        Field {
            name,
            label,
            kind: "text",
            autocomplete: "off",
            ..Field::default()
        }
    }

    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Field {
        self.kind = kind;
        self
    }

    #[must_use]
    pub fn autocomplete(mut self, autocomplete: &'static str) -> Field {
        self.autocomplete = autocomplete;
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Field {
        self.hint = hint;
        self
    }

    #[must_use]
    pub fn optional(mut self) -> Field {
        self.is_optional = true;
        self
    }

    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Field {
        self.value = value.into();
        self
    }

    /// The ids of what describes the input, for `aria-describedby`.
    pub fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        ids.join(" ")
    }
}

/// Puts what a service says of single fields beside them. What is left, for the head of the form:
/// nothing where every word found its field.
pub fn blame(fields: &mut [Field], refusal: &Refusal) -> Option<String> {
    let mut rest = Vec::new();
    for error in &refusal.errors {
        let name = error.field.rsplit('/').next().unwrap_or_default();
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => {
                field.error = Some(sentence(&format!("{} {}", field.label, error.detail)));
            }
            None => rest.push(sentence(&format!("{} {}", error.field, error.detail))),
        }
    }
    match (refusal.errors.is_empty(), rest.is_empty()) {
        (true, _) => Some(sentence(&refusal.detail)),
        (false, true) => None,
        (false, false) => Some(rest.join(" ")),
    }
}

/// With a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut characters = text.trim().chars();
    let Some(first) = characters.next() else {
        return "That did not work.".to_owned();
    };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// A place in this shop to go on to: a path, never another site.
pub fn own_path(text: &str) -> Option<&str> {
    let is_own = text.starts_with('/') && !text.starts_with("//");
    // Browsers read a backslash as a slash, and leave out what is invisible.
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_own && is_plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use kit::http::Request;
    use proptest::prelude::{any, proptest};
    use serde_json::{from_value, json};

    use super::{Field, Form, blame, own_path, sentence};
    use crate::services::Refusal;

    fn form(body: &str) -> Form {
        let mut request = Request::new("POST", "/");
        request.body = Ok(body.as_bytes().to_vec());
        Form::read(&request)
    }

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let form = form("name=+Ada+L%C3%B6w+&quantity=2&password=+a+&gift=on");
        assert_eq!(form.text("name"), "Ada Löw");
        assert_eq!(form.number("quantity"), Some(2));
        assert_eq!(form.raw("password"), " a ");
        assert!(form.has("gift") && !form.has("note"));
    }

    #[test]
    fn an_error_stands_beside_its_field() {
        let refusal: Refusal = from_value(json!({
            "code": "invalid", "detail": "…",
            "errors": [
                { "field": "address/city", "detail": "must not be empty" },
                { "field": "moon", "detail": "is unknown" },
            ],
        }))
        .unwrap();
        let mut fields = [
            Field::new("city", "City"),
            Field::new("street", "Street").hint("…"),
        ];
        let rest = blame(&mut fields, &refusal);
        assert_eq!(rest.as_deref(), Some("Moon is unknown."));
        assert_eq!(fields[0].error.as_deref(), Some("City must not be empty."));
        assert_eq!(fields[0].described_by(), "city-error");
        assert_eq!(fields[1].described_by(), "street-hint");
    }

    #[test]
    fn a_refusal_without_fields_is_said_as_a_whole() {
        let refusal = Refusal {
            detail: "the e-mail is taken".to_owned(),
            ..Refusal::default()
        };
        assert_eq!(
            blame(&mut [], &refusal).as_deref(),
            Some("The e-mail is taken.")
        );
        assert_eq!(sentence(""), "That did not work.");
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for path in ["/", "/checkout?address=1", "/p/a-b"] {
            assert_eq!(own_path(path), Some(path));
        }
        for path in [
            "",
            "x",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/x",
        ] {
            assert_eq!(own_path(path), None, "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_read_without_a_panic(body in any::<Vec<u8>>(), path in any::<String>()) {
            let mut request = Request::new("POST", "/");
            request.body = Ok(body);
            let _ = Form::read(&request).text("a");
            let _ = own_path(&path);
            let _ = sentence(&path);
        }
    }
}
