//! Texts with variables in them: `https://{{ host }}/v1`.
//!
//! The rules are Spin's: `{{` opens an expression, the next `}}` closes it, the name between may
//! have spaces around it, and there is no escape. A `}}` that closes nothing is plain text, because
//! JSON ends that way. Whether a variable is declared is checked by the callers.

use std::fmt;
use std::ops::Range;

use super::names;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself; never empty and never followed by another text.
    Text(String),
    /// The name of a variable.
    Variable {
        name: String,
        /// Where the name stands in the template, in bytes.
        span: Range<usize>,
    },
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at column {column})")]
pub struct TemplateError {
    pub reason: TemplateMistake,
    /// Where it is, in characters of the template, counted from one.
    pub column: usize,
    /// The bytes of the template that are wrong.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateMistake {
    #[error("`{{{{` is never closed by `}}}}`")]
    Unclosed,
    #[error("`{{{{ }}}}` names no variable")]
    Nameless,
    #[error("`{name}` cannot name a variable: {reason}")]
    BadName { name: String, reason: String },
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// When braces are not closed, or what stands between them cannot be a variable's name.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut offset = 0;
        while let Some(rest) = template.get(offset..).filter(|rest| !rest.is_empty()) {
            let Some((text, after)) = rest.split_once("{{") else {
                parts.push(Part::Text(rest.to_owned()));
                break;
            };
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            let open = offset + text.len();
            let refuse = |reason, span: Range<usize>| {
                let before = template.get(..span.start).unwrap_or_default();
                Err(TemplateError {
                    reason,
                    column: before.chars().count() + 1,
                    span,
                })
            };
            let Some((inside, _)) = after.split_once("}}") else {
                return refuse(TemplateMistake::Unclosed, open..open + 2);
            };
            let name_start = open + 2 + (inside.len() - inside.trim_start().len());
            let name = inside.trim();
            let span = name_start..name_start + name.len();
            offset = open + 2 + inside.len() + 2;
            if name.is_empty() {
                return refuse(TemplateMistake::Nameless, open..offset);
            }
            if let Err(reason) = names::check_variable(name) {
                let name = name.to_owned();
                return refuse(TemplateMistake::BadName { name, reason }, span);
            }
            parts.push(Part::Variable {
                name: name.to_owned(),
                span,
            });
        }
        Ok(Self { parts })
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The variables named, in order, with their places in bytes.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable { name, span } => Some((name.as_str(), span.clone())),
        })
    }

    /// The text with every variable replaced; stops at the first that has no value.
    ///
    /// # Errors
    /// Whatever `value` answers for a variable.
    pub fn expand<'v, E>(
        &self,
        mut value: impl FnMut(&str) -> Result<&'v str, E>,
    ) -> Result<String, E> {
        let mut expanded = String::new();
        for part in &self.parts {
            expanded.push_str(match part {
                Part::Text(text) => text,
                Part::Variable { name, .. } => value(name)?,
            });
        }
        Ok(expanded)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => out.write_str(text),
            Part::Variable { name, .. } => write!(out, "{{{{ {name} }}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names_of(text: &str) -> Vec<String> {
        Template::parse(text)
            .unwrap()
            .variables()
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    #[test]
    fn variables_stand_between_braces_with_or_without_spaces() {
        assert_eq!(names_of("a-{{ b }}-{{c}}{{  d  }}"), ["b", "c", "d"]);
        assert_eq!(names_of(""), Vec::<String>::new());
        assert_eq!(names_of(r#"{"a":{"b":1}}"#), Vec::<String>::new());
    }

    #[test]
    fn mistakes_name_their_column() {
        let message = |text| Template::parse(text).unwrap_err().to_string();
        assert_eq!(
            message("ä{{ a"),
            "`{{` is never closed by `}}` (at column 2)"
        );
        assert_eq!(
            message("a {{ }}"),
            "`{{ }}` names no variable (at column 3)"
        );
        assert_eq!(
            message("{{ a }}{{ a b }}"),
            "`a b` cannot name a variable: \
             ` ` is not a lower-case letter, a digit or `_` (at column 11)"
        );
        let error = Template::parse("{{ a {{ b }}").unwrap_err();
        assert_eq!(error.span.clone(), 3..9);
    }

    #[test]
    fn expansion_replaces_every_variable() {
        let template = Template::parse("{{ a }}/{{ b }}/{{ a }}").unwrap();
        let values = |name: &str| match name {
            "a" => Ok("1"),
            "b" => Ok("{{ a }}"),
            _ => Err("unknown"),
        };
        assert_eq!(template.expand(values).unwrap(), "1/{{ a }}/1");
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            "[^{]{1,8}",
            "[a-z][a-z0-9]{0,4}(_[a-z0-9]{1,3}){0,2}".prop_map(|name| format!("{{{{ {name} }}}}"))
        ]
    }

    proptest! {
        #[test]
        fn a_template_reads_back_as_it_prints(parts in proptest::collection::vec(part(), 0..6)) {
            let text = parts.concat();
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.to_string(), text);
            prop_assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
        }

        #[test]
        fn any_text_parses_or_errs_within_itself(text in "\\PC*|[{} a-z]*") {
            match Template::parse(&text) {
                Ok(template) => for (name, span) in template.variables() {
                    prop_assert_eq!(&text[span], name);
                },
                Err(error) => prop_assert!(text.get(error.span.clone()).is_some()),
            }
        }
    }
}
