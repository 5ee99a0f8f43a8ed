//! `kumiki new`: makes a new app from a template that is part of the binary. Building it is left to
//! `kumiki build`.

mod templates;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use templates::{TEMPLATES, Template};

/// Characters of an app's name; it becomes the name of files and of a package.
const NAME_LENGTH_MAX: usize = 64;

/// The flags of `kumiki new`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    kumiki new                         list the templates\n  \
    kumiki new -t http-rust hello      a service on spin-sdk 7 and wasi:http 0.3\n  \
    kumiki new -t http-rust-kv notes   a service with a store, on wit-bindgen and wasi:http 0.2")]
pub struct NewArguments {
    /// The app's name, in kebab-case
    pub name: Option<String>,

    /// The template; without one, the templates are listed
    #[arg(short, long)]
    pub template: Option<String>,

    /// The folder to make [default: the name]
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,

    /// Accepted for Spin's sake: nothing is asked
    #[arg(short, long, hide = true)]
    pub accept_defaults: bool,
}

/// Why an app cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewError {
    #[error("there is no template `{given}`; there are: {}", template_names())]
    UnknownTemplate { given: String },
    #[error(
        "`{0}` is not a name: write it in kebab-case (letters a to z, digits and single hyphens, \
         a letter first, at most {NAME_LENGTH_MAX} in all)"
    )]
    NotKebabCase(String),
    #[error("`{0}` is a word of Rust, so no package can have it as its name; choose another")]
    Keyword(String),
    #[error("{0} already exists and is not an empty folder; choose another with --output")]
    Exists(PathBuf),
}

/// Runs `kumiki new`.
pub fn run(arguments: &NewArguments) -> anyhow::Result<ExitCode> {
    let Some(wanted) = &arguments.template else {
        print!("{}", template_list());
        return Ok(ExitCode::SUCCESS);
    };
    let template = find_template(wanted)?;
    let name = arguments.name.as_deref().context(
        "an app needs a name; write it after the template, as in `kumiki new -t http-rust hello`",
    )?;
    check_name(name)?;
    let current_directory = std::env::current_dir()?;
    let given = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(name));
    make(template, name, &current_directory.join(&given))?;
    println!(
        "Made {} from the template {}. Next:\n  kumiki build --up -f {0}\n  {}",
        given.display(),
        template.name,
        template.try_out
    );
    Ok(ExitCode::SUCCESS)
}

fn template_list() -> String {
    let mut text = String::from("Templates:\n");
    for template in TEMPLATES {
        text.push_str(&format!(
            "  {:<14} {}\n",
            template.name, template.description
        ));
    }
    text.push_str("Make an app with `kumiki new -t TEMPLATE NAME`.\n");
    text
}

fn template_names() -> String {
    TEMPLATES.map(|template| template.name).join(", ")
}

fn find_template(name: &str) -> Result<&'static Template, NewError> {
    let found = TEMPLATES.into_iter().find(|template| template.name == name);
    found.ok_or_else(|| NewError::UnknownTemplate {
        given: name.to_owned(),
    })
}

/// A name has to serve as component id, package name, crate name and WIT package name at once.
fn check_name(name: &str) -> Result<(), NewError> {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    // A WIT name demands of each part what the first must have: a letter at its start.
    let starts_well = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase());
    let well_formed = name
        .split('-')
        .all(|piece| part(piece) && starts_well(piece));
    if !well_formed || name.len() > NAME_LENGTH_MAX {
        return Err(NewError::NotKebabCase(name.to_owned()));
    }
    if RUST_KEYWORDS.contains(&name) {
        return Err(NewError::Keyword(name.to_owned()));
    }
    Ok(())
}

/// The words that cargo refuses as a package's name: keywords, and `test`, which is a crate of
/// Rust.
const RUST_KEYWORDS: [&str; 41] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
    "static", "struct", "super", "test", "trait", "true", "type",
];

/// Writes the template's files into a folder that is new, or empty.
fn make(template: &Template, name: &str, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        let empty = folder.is_dir() && folder.read_dir()?.next().is_none();
        anyhow::ensure!(empty, NewError::Exists(folder.to_owned()));
    }
    for (path, text) in template.files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("{} cannot be made", parent.display()))?;
        }
        std::fs::write(&path, fill(text, name))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Puts the app's name into a template's text.
fn fill(text: &str, name: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{crate}}", &name.replace('-', "_"))
        .replace("{{description}}", &format!("The service {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert, proptest};

    #[test]
    fn names_are_kebab_case_and_not_words_of_rust() {
        for good in ["a", "hello", "my-app", "v2", "a1-b2"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let long = "a".repeat(NAME_LENGTH_MAX + 1);
        for bad in [
            "", "-a", "a-", "a--b", "A", "a_b", "1a", "a-1", "a/b", "..", "é", &long,
        ] {
            assert_eq!(
                check_name(bad),
                Err(NewError::NotKebabCase(bad.to_owned())),
                "{bad}"
            );
        }
        assert_eq!(
            check_name("test"),
            Err(NewError::Keyword("test".to_owned()))
        );
    }

    #[test]
    fn every_template_makes_a_whole_app() {
        for template in TEMPLATES {
            let folder = tempfile::tempdir().unwrap();
            let app = folder.path().join("my-app");
            make(template, "my-app", &app).unwrap();
            for (path, _) in template.files {
                let text = std::fs::read_to_string(app.join(path)).unwrap();
                assert!(!text.contains("{{"), "{path} still has a placeholder");
            }
            let cargo = std::fs::read_to_string(app.join("Cargo.toml")).unwrap();
            toml::from_str::<toml::Table>(&cargo).unwrap();
            let manifest = std::fs::read_to_string(app.join("spin.toml")).unwrap();
            assert!(
                manifest.contains("wasm32-wasip2/release/my_app.wasm"),
                "{manifest}"
            );
            assert!(app.join(".gitignore").exists() && app.join("src/lib.rs").exists());
        }
    }

    #[test]
    fn an_existing_app_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let template = find_template("http-rust").unwrap();
        make(template, "hello", folder.path()).unwrap();
        std::fs::write(folder.path().join("src/lib.rs"), "mine").unwrap();
        let error = make(template, "hello", folder.path()).unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("src/lib.rs")).unwrap(),
            "mine"
        );
    }

    #[test]
    fn an_unknown_template_is_answered_with_the_known_ones() {
        let error = find_template("http-go").unwrap_err().to_string();
        assert!(error.contains("http-rust, http-rust-kv"), "{error}");
    }

    proptest! {
        #[test]
        fn a_good_name_never_leaves_its_folder(name in ".*") {
            if check_name(&name).is_ok() {
                prop_assert!(!name.contains(['/', '.', '\\']) && !name.is_empty());
            }
        }
    }
}
