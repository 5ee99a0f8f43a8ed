//! The Spin manifest and the runtime config: read, checked, and every mistake reported with its
//! position. Whether the artifacts named exist is left to the runtime, the syntax of
//! `allowed_outbound_hosts` to [`crate::network::allowed_hosts`].

mod application;
mod canary;
mod component;
mod dependency;
pub mod diagnostics;
pub mod events;
mod links;
pub mod model;
pub(crate) mod names;
mod outbound;
mod reader;
mod route;
pub mod runtime_config;
mod settings;
mod source;
pub mod template;
pub mod topics;
mod trigger;
pub mod variables;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use diagnostics::Diagnostics;
use model::Manifest;
use reader::{Document, Field};
use template::Template;

/// The name of a manifest in a folder.
pub const FILE_NAME: &str = "spin.toml";

/// The folder that holds a manifest.
pub fn folder_of(manifest: &Path) -> &Path {
    manifest.parent().unwrap_or(Path::new("/"))
}

/// How a manifest is read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The `component.ID.profile.NAME` to apply.
    pub profile: Option<String>,
    /// Ignore every `tool.kumiki` table, as Spin does.
    pub stock: bool,
}

/// Reads a manifest; `path` names it or the folder with a `spin.toml`. What is only worth a note
/// is logged.
///
/// # Errors
/// All mistakes of the file at once, or the one that it cannot be read.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Manifest, Diagnostics> {
    let (manifest, notes) = load_with_notes(path, options)?;
    for note in notes.iter() {
        tracing::warn!(
            file = notes.file(),
            line = note.position.map(|position| position.line),
            key = note.key,
            "{}",
            note.message
        );
    }
    Ok(manifest)
}

/// Like [`load`], but answers the notes instead of logging them.
///
/// # Errors
/// As [`load`].
pub fn load_with_notes(
    path: &Path,
    options: &LoadOptions,
) -> Result<(Manifest, Diagnostics), Diagnostics> {
    let path = if path.is_dir() {
        path.join(FILE_NAME)
    } else {
        path.to_owned()
    };
    let text = read_text(
        &path,
        "name a manifest with `-f`, or make one with `kumiki new`",
    )?;
    parse(&text, &path, options)
}

/// Reads a manifest from its text; `path` is where it stands, for messages and relative paths.
/// Besides the manifest answers what is only worth a note.
///
/// # Errors
/// All mistakes of the text.
pub fn parse(
    text: &str,
    path: &Path,
    options: &LoadOptions,
) -> Result<(Manifest, Diagnostics), Diagnostics> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    let document = Document::new(text);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let manifest = application::read(&document, tree.get_ref(), &absolute, options);
    let found = document.into_diagnostics(&path.display().to_string(), &syntax);
    let (mistakes, notes) = found.split();
    match manifest {
        Some(manifest) if mistakes.is_empty() => Ok((manifest, notes)),
        _ => Err(mistakes),
    }
}

/// Reads a whole file of text.
fn read_text(path: &Path, help: &str) -> Result<String, Diagnostics> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        Diagnostics::unreadable(path.display().to_string(), message, help.to_owned())
    })
}

/// What the readers of the parts of one manifest need to know of the rest of it.
struct Context<'t> {
    /// The folder of the manifest, absolute.
    directory: PathBuf,
    profile: Option<&'t str>,
    stock: bool,
    /// The names of the declared variables.
    variables: BTreeSet<&'t str>,
}

impl Context<'_> {
    /// A path of the manifest, made absolute.
    fn path(&self, relative: &str) -> PathBuf {
        self.directory.join(relative)
    }

    /// Checks a template and that its variables are declared, and answers it as it was written.
    fn template(&self, field: &Field<'_>) -> Option<String> {
        let text = field.string()?;
        match Template::parse(text) {
            Ok(template) => {
                for (name, span) in template.variables() {
                    if !self.variables.contains(name) {
                        self.undeclared(field, name, span);
                    }
                }
            }
            Err(error) => field.refuse_part(
                error.span,
                false,
                error.reason.to_string(),
                "write the name of a variable as `{{ name }}`",
            ),
        }
        Some(text.to_owned())
    }

    fn undeclared(&self, field: &Field<'_>, name: &str, span: std::ops::Range<usize>) {
        let declare = format!("declare it: `[variables]` and `{name} = {{ required = true }}`");
        let message = match names::nearest(name, self.variables.iter().copied()) {
            Some(meant) => format!("variable `{name}` is not declared; did you mean `{meant}`?"),
            None => format!("variable `{name}` is not declared"),
        };
        field.refuse_part(span, true, message, declare);
    }
}
