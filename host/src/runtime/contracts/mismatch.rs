//! What keeps an export from meeting an import, and how it is told to whoever wrote the link.

use std::fmt::Write;

use super::{Function, Obstacle, Other};
use crate::manifest::names::listed;

/// A text up to this length is shown whole; of a longer one the part about the first difference.
const SHOWN_CHARACTERS_MAX: usize = 100;

/// One reason why a link cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The component does not import what is to be linked.
    NotImported,
    /// The provider exports no interface of this name.
    NotExported { exports: Vec<String> },
    /// The provider exports it, but in no version that meets the import.
    OtherVersion { versions: Vec<String> },
    /// The import asks for a resource.
    HoldsResource(String),
    /// The import asks for what is neither a function nor a type.
    HoldsOther(Other),
    /// A function has something that cannot cross.
    Obstacles {
        name: String,
        obstacles: Vec<Obstacle>,
    },
    /// The provider's interface lacks a function.
    MissingFunction { name: String },
    /// A function differs.
    Differs {
        name: String,
        difference: Difference,
    },
}

/// How two functions of one name differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In their form, or so that both are best seen whole.
    Whole { importer: String, provider: String },
    /// In some of their types.
    Types(Vec<TypeDifference>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeDifference {
    /// The parameter's name; none for the result.
    parameter: Option<String>,
    pub(super) importer: String,
    pub(super) provider: String,
}

impl TypeDifference {
    /// Where in the function the two differ.
    pub(super) fn place(&self) -> String {
        match &self.parameter {
            Some(name) => format!("parameter `{name}`"),
            None => "result".to_owned(),
        }
    }
}

impl Difference {
    pub(super) fn between(importer: &Function, provider: &Function) -> Option<Self> {
        let (importer_text, provider_text) = (importer.to_string(), provider.to_string());
        if importer_text == provider_text {
            return None;
        }
        let is_long = |text: &String| text.chars().nth(SHOWN_CHARACTERS_MAX).is_some();
        let types = Self::types(importer, provider);
        if types.is_empty() || !(is_long(&importer_text) || is_long(&provider_text)) {
            return Some(Self::Whole {
                importer: importer_text,
                provider: provider_text,
            });
        }
        Some(Self::Types(types))
    }

    /// The types that differ, if the functions have the same form otherwise.
    pub(super) fn types(importer: &Function, provider: &Function) -> Vec<TypeDifference> {
        let names = |function: &Function| -> Vec<String> {
            let names = function.parameters.iter().map(|it| it.name.clone());
            names.collect()
        };
        if importer.is_async != provider.is_async || names(importer) != names(provider) {
            return Vec::new();
        }
        let parameters = importer.parameters.iter().zip(&provider.parameters);
        let mut types: Vec<_> = parameters
            .filter(|(importer, provider)| importer.ty != provider.ty)
            .map(|(importer, provider)| TypeDifference {
                parameter: Some(importer.name.clone()),
                importer: importer.ty.clone(),
                provider: provider.ty.clone(),
            })
            .collect();
        if importer.result != provider.result {
            let text = |function: &Function| match &function.result {
                Some(result) => result.clone(),
                None => "none".to_owned(),
            };
            types.push(TypeDifference {
                parameter: None,
                importer: text(importer),
                provider: text(provider),
            });
        }
        types
    }

    fn tell(&self, importer: &str, provider: &str) -> String {
        let types = match self {
            Self::Whole {
                importer: importer_text,
                provider: provider_text,
            } => {
                let (one, other) =
                    about_the_difference(importer_text, provider_text, SHOWN_CHARACTERS_MAX);
                return format!("{importer} has {one}, {provider} has {other}");
            }
            Self::Types(types) => types,
        };
        let told = types.iter().map(|ty| {
            let (one, other) =
                about_the_difference(&ty.importer, &ty.provider, SHOWN_CHARACTERS_MAX);
            let place = ty.place();
            format!("{place}: {importer} has {one}, {provider} has {other}")
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

impl Mismatch {
    /// Whether it is one of a function, of which there may be many.
    fn function(&self) -> Option<&str> {
        match self {
            Self::NotImported
            | Self::NotExported { .. }
            | Self::OtherVersion { .. }
            | Self::HoldsResource(_)
            | Self::HoldsOther(_) => None,
            Self::Obstacles { name, .. }
            | Self::MissingFunction { name }
            | Self::Differs { name, .. } => Some(name),
        }
    }

    fn tell(&self, importer: &str, provider: &str) -> String {
        match self {
            Self::NotImported => format!("{importer} does not import it"),
            Self::NotExported { exports } if exports.is_empty() => {
                format!("{provider} exports no interface")
            }
            Self::NotExported { exports } => format!(
                "{provider} does not export it; it exports {}",
                listed(exports.iter().map(String::as_str))
            ),
            Self::OtherVersion { versions } => format!(
                "{provider} exports {}, which does not meet it: the major version must be the \
                 same (below 1.0 the minor, too) and the export's not lower than the import's; \
                 prereleases must be equal",
                listed(versions.iter().map(String::as_str))
            ),
            Self::HoldsResource(name) => {
                format!("it holds the resource `{name}`, and a resource cannot cross a link")
            }
            Self::HoldsOther(other) => format!(
                "it holds the {} `{}`, which cannot cross a link",
                other.kind, other.name
            ),
            Self::Obstacles { obstacles, .. } => {
                let has: Vec<_> = obstacles.iter().map(Obstacle::to_string).collect();
                format!("it has {}, which cannot cross a link", has.join(" and "))
            }
            Self::MissingFunction { .. } => format!("{provider} does not export it"),
            Self::Differs { difference, .. } => difference.tell(importer, provider),
        }
    }
}

/// Tells all mismatches of one link, each function on a line of its own.
pub fn describe(importer: &str, import: &str, provider: &str, mismatches: &[Mismatch]) -> String {
    let mut text = format!("component `{importer}`: link `{import}` to `{provider}`: ");
    let (of_functions, others): (Vec<_>, Vec<_>) = mismatches
        .iter()
        .partition(|mismatch| mismatch.function().is_some());
    let others: Vec<_> = others
        .iter()
        .map(|mismatch| mismatch.tell(importer, provider))
        .collect();
    text.push_str(&others.join("; "));
    if of_functions.is_empty() {
        return text;
    }
    if !others.is_empty() {
        text.push_str("; ");
    }
    let differ = of_functions
        .iter()
        .all(|mismatch| !matches!(mismatch, Mismatch::Obstacles { .. }));
    text.push_str(&match (of_functions.len(), differ) {
        (1, true) => "1 function differs:".to_owned(),
        (count, true) => format!("{count} functions differ:"),
        (1, false) => "1 function cannot be linked:".to_owned(),
        (count, false) => format!("{count} functions cannot be linked:"),
    });
    for mismatch in of_functions {
        let name = mismatch.function().unwrap_or_default();
        // A `String` takes all that is written to it.
        let _ = write!(text, "\n  {name}: {}", mismatch.tell(importer, provider));
    }
    text
}

/// Two different texts, whole when they are no longer than `shown_max` characters, and of longer
/// ones so much of what stands about the first difference.
pub fn about_the_difference(one: &str, other: &str, shown_max: usize) -> (String, String) {
    let same = one
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count();
    // What stands before it tells where it is.
    let from = same.saturating_sub(shown_max * 2 / 5);
    // A word that is cut in two would read as another one.
    let to_next_word = one
        .chars()
        .skip(from)
        .take(same - from)
        .position(|c| c == ' ');
    let from = match to_next_word {
        Some(position) if from > 0 => from + position + 1,
        _ => from,
    };
    let shown = |text: &str| {
        if text.chars().nth(shown_max).is_none() {
            return text.to_owned();
        }
        let mut part: String = text.chars().skip(from).take(shown_max).collect();
        if from > 0 {
            part.insert(0, '…');
        }
        if text.chars().nth(from + shown_max).is_some() {
            part.push('…');
        }
        part
    };
    (shown(one), shown(other))
}
