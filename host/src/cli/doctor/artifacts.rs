//! The components' files: whether they are there, are WebAssembly that can be run, and are newer
//! than their sources.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::GlobBuilder;
use wasmparser::{Parser, Payload};

use super::finding::Finding;
use crate::cli::build::artifact;
use crate::manifest::model::{Build, Component, Manifest};

/// The custom sections in which a core module carries its world, written by wit-bindgen.
const WORLD_SECTION: &str = "component-type";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Component,
    /// A core module that says which world it is for; it is made a component when it is loaded.
    ModuleWithWorld,
    Module,
    NotWebAssembly,
}

/// Looks at every component whose artifact is a file.
pub fn examine(manifest: &Manifest) -> Vec<Finding> {
    let components = manifest.components.values();
    components
        .filter_map(|component| examine_component(manifest, component))
        .collect()
}

fn examine_component(manifest: &Manifest, component: &Component) -> Option<Finding> {
    let path = artifact(component)?;
    let subject = format!("component {}", component.id);
    let shown = path.display();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(match &component.build {
                Some(build) => Finding::error(subject, format!("{shown} is not built yet"))
                    .mend(build_mend(component, build)),
                None => Finding::error(subject, format!("{shown} does not exist"))
                    .mend("mend `source`, or give the component a build command that makes it"),
            });
        }
        Err(error) => {
            return Some(
                Finding::error(subject, format!("{shown} cannot be read: {error}"))
                    .mend("give this user the right to read it"),
            );
        }
    };
    Some(match kind(&bytes) {
        Kind::NotWebAssembly => Finding::error(subject, format!("{shown} is not WebAssembly"))
            .mend("mend `source`: it names the file that the build makes for wasm32-wasip2"),
        Kind::Module => Finding::error(
            subject,
            format!("{shown} is a core module that does not say which world it is for"),
        )
        .mend("build it for wasm32-wasip2, which makes components, instead of wasm32-wasip1"),
        Kind::Component | Kind::ModuleWithWorld => match newer_source(manifest, component, &path) {
            Some(source) => {
                let message = format!("{shown} is older than {}", source.display());
                Finding::warning(subject, message).mend(format!("kumiki build -c {}", component.id))
            }
            None => Finding::ok(subject, format!("{shown} can be run")),
        },
    })
}

fn build_mend(component: &Component, build: &Build) -> String {
    let commands = build.commands.join(" && ");
    format!("kumiki build -c {}   (it runs `{commands}`)", component.id)
}

fn kind(bytes: &[u8]) -> Kind {
    if Parser::is_component(bytes) {
        return Kind::Component;
    }
    if !Parser::is_core_wasm(bytes) {
        return Kind::NotWebAssembly;
    }
    let has_world = Parser::new(0).parse_all(bytes).any(|payload| {
        matches!(payload, Ok(Payload::CustomSection(section))
            if section.name().starts_with(WORLD_SECTION))
    });
    if has_world {
        Kind::ModuleWithWorld
    } else {
        Kind::Module
    }
}

/// A file that the component's build watches and that changed after the artifact was made.
fn newer_source(manifest: &Manifest, component: &Component, artifact: &Path) -> Option<PathBuf> {
    let build = component.build.as_ref()?;
    let made = modified(artifact)?;
    let workdir = build.workdir.as_ref().unwrap_or(&manifest.directory);
    build.watch.iter().find_map(|pattern| {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .ok()?;
        let matcher = glob.compile_matcher();
        let files = walkdir::WalkDir::new(workdir)
            .into_iter()
            .filter_entry(|entry| {
                // The build's own output is large, and nobody's source.
                entry.file_name() != "target" && entry.file_name() != "node_modules"
            });
        files
            .filter_map(Result::ok)
            .map(walkdir::DirEntry::into_path)
            .find(|path| {
                let relative = path.strip_prefix(workdir).unwrap_or(path);
                matcher.is_match(relative) && modified(path).is_some_and(|changed| changed > made)
            })
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    File::open(path)
        .and_then(|file| file.metadata()?.modified())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    /// A module with one empty custom section.
    fn module_with_section(name: &str) -> Vec<u8> {
        let length = u8::try_from(name.len()).unwrap();
        [CORE, &[0, length + 1, length], name.as_bytes()].concat()
    }

    #[test]
    fn kinds_of_files_are_told_apart() {
        assert_eq!(kind(COMPONENT), Kind::Component);
        assert_eq!(kind(CORE), Kind::Module);
        assert_eq!(kind(&module_with_section("name")), Kind::Module);
        assert_eq!(
            kind(&module_with_section("component-type:hello")),
            Kind::ModuleWithWorld
        );
        assert_eq!(kind(b"#!/bin/sh"), Kind::NotWebAssembly);
        assert_eq!(kind(b""), Kind::NotWebAssembly);
    }
}
