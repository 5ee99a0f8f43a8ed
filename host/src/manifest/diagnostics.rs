//! Mistakes in a file that a person wrote: where each one is, what is wrong, and the mend.
//!
//! Plain text only; the terminal's colours are left to the command line. What counts as a mistake
//! is decided by the readers of the manifest and of the runtime config.

use std::fmt;
use std::ops::Range;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is refused.
    Mistake,
    /// The file is accepted, but probably does not say what was meant.
    Note,
}

/// A place in a file. Both numbers start at one; the column counts characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `None` when the finding is about the file as a whole, such as one that cannot be read.
    pub position: Option<Position>,
    /// The dotted key, such as `component.cart.source`; empty for a syntax error.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The line of the file, with the values of secrets masked.
    excerpt: String,
    /// Characters of `excerpt` that the finding is about, from the column on.
    width: usize,
}

/// All findings in one file, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    file: String,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            list: Vec::new(),
        }
    }

    /// The one finding that a file cannot be read or used at all.
    pub(super) fn unreadable(file: impl Into<String>, message: String, help: String) -> Self {
        let finding = Diagnostic {
            severity: Severity::Mistake,
            position: None,
            key: String::new(),
            message,
            help: Some(help),
            excerpt: String::new(),
            width: 0,
        };
        Self {
            file: file.into(),
            list: vec![finding],
        }
    }

    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.list.push(finding);
    }

    pub(super) fn sort(&mut self) {
        self.list.sort_by_key(|finding| finding.position);
    }

    /// The file as the user named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many findings are mistakes.
    pub fn mistakes(&self) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.severity == Severity::Mistake)
            .count()
    }

    /// Parts what the file is refused for from what is only worth saying.
    pub(super) fn split(self) -> (Self, Self) {
        let (mistakes, notes) = self
            .list
            .into_iter()
            .partition(|finding| finding.severity == Severity::Mistake);
        (
            Self {
                file: self.file.clone(),
                list: mistakes,
            },
            Self {
                file: self.file,
                list: notes,
            },
        )
    }

    fn heading(&self, finding: &Diagnostic) -> String {
        let mut heading = self.file.clone();
        if let Some(Position { line, column }) = finding.position {
            heading.push_str(&format!(":{line}:{column}"));
        }
        if finding.severity == Severity::Note {
            heading.push_str(": note");
        }
        if !finding.key.is_empty() {
            heading.push_str(&format!(": {}", finding.key));
        }
        format!("{heading}: {}", finding.message)
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.list {
            writeln!(out, "{}", self.heading(finding))?;
            write_excerpt(out, finding)?;
            if let Some(help) = &finding.help {
                writeln!(out, "  help: {help}")?;
            }
            writeln!(out)?;
        }
        let mistakes = self.mistakes();
        let notes = self.len() - mistakes;
        let counted = match (mistakes, notes) {
            (mistakes, 0) => count(mistakes, "mistake"),
            (0, notes) => count(notes, "note"),
            (mistakes, notes) => {
                format!("{}, {}", count(mistakes, "mistake"), count(notes, "note"))
            }
        };
        write!(out, "{counted} in {}", self.file)
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn write_excerpt(out: &mut fmt::Formatter<'_>, finding: &Diagnostic) -> fmt::Result {
    let Some(Position { line, column }) = finding.position else {
        return Ok(());
    };
    let gutter = line.to_string().len();
    // A tab stays a tab, so that the caret stands below its character at any tab width.
    let padding: String = finding
        .excerpt
        .chars()
        .chain(std::iter::repeat(' '))
        .take(column.saturating_sub(1))
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    writeln!(out, "  {line} | {}", finding.excerpt)?;
    writeln!(
        out,
        "  {:gutter$} | {padding}{}",
        "",
        "^".repeat(finding.width.max(1))
    )
}

/// A text, and the byte ranges of it that must not be shown.
pub(super) struct Text<'t> {
    text: &'t str,
    secrets: Vec<Range<usize>>,
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str, secrets: Vec<Range<usize>>) -> Self {
        Self { text, secrets }
    }

    /// Makes a finding about the bytes of `span`; a span outside the text is moved to its end.
    pub(super) fn finding(
        &self,
        severity: Severity,
        span: &Range<usize>,
        key: String,
        message: String,
        help: Option<String>,
    ) -> Diagnostic {
        let start = floor(self.text, span.start);
        let end = floor(self.text, span.end).max(start);
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let line_text = rest.lines().next().unwrap_or_default();
        let column = self.characters(line_start..start) + 1;
        let line_end = line_start + line_text.len();
        Diagnostic {
            severity,
            position: Some(Position {
                line: before.matches('\n').count() + 1,
                column,
            }),
            key,
            message,
            help,
            excerpt: self.masked(line_start, line_text),
            width: self.characters(start..end.min(line_end).max(start)),
        }
    }

    fn characters(&self, range: Range<usize>) -> usize {
        self.text.get(range).unwrap_or_default().chars().count()
    }

    fn masked(&self, line_start: usize, line: &str) -> String {
        line.char_indices()
            .map(|(index, character)| {
                let at = line_start + index;
                if self.secrets.iter().any(|secret| secret.contains(&at)) {
                    '*'
                } else {
                    character
                }
            })
            .collect()
    }
}

/// The nearest character boundary at or below an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, span: Range<usize>) -> Diagnostic {
        Text::new(text, Vec::new()).finding(
            Severity::Mistake,
            &span,
            "a.b".into(),
            "wrong".into(),
            Some("mend it".into()),
        )
    }

    #[test]
    fn a_position_counts_characters_of_its_line() {
        let finding = at("x\nä = 1\n", 5..6);
        assert_eq!(finding.position, Some(Position { line: 2, column: 3 }));
        let beyond = at("x\n", 99..120);
        assert_eq!(beyond.position, Some(Position { line: 2, column: 1 }));
    }

    #[test]
    fn a_finding_is_shown_with_its_line_a_caret_and_the_mend() {
        let mut list = Diagnostics::new("spin.toml");
        list.push(at("x = 1\n\tsourc = 2\n", 7..12));
        assert_eq!(
            list.to_string(),
            "spin.toml:2:2: a.b: wrong\n  2 | \tsourc = 2\n    | \t^^^^^\n  help: mend it\n\n\
             1 mistake in spin.toml"
        );
    }

    #[test]
    fn a_secret_is_masked_in_the_excerpt() {
        let text = "p = { default = \"hunter2\", oops = 1 }";
        let secret = 16..25;
        let finding = Text::new(text, vec![secret]).finding(
            Severity::Mistake,
            &(27..31),
            String::new(),
            String::new(),
            None,
        );
        assert_eq!(finding.excerpt, "p = { default = *********, oops = 1 }");
    }
}
