//! A Mermaid flowchart, line by line. Any text may be a name or stand in a label: names become
//! words that are no keywords of Mermaid's, and what means something to it is escaped in labels.
//! What is drawn is left to [`super::parts`].

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// The outline of a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Box,
    Rounded,
    Cylinder,
    Hexagon,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stroke {
    Solid,
    Dotted,
}

/// The name of a node: its kind and, after `_`, its own name. Different nodes have different ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(String);

impl Id {
    pub(super) fn new(kind: &'static str, name: &str) -> Self {
        let mut id = format!("{kind}_");
        let mut letters = name.chars().peekable();
        while let Some(letter) = letters.next() {
            let in_word = letters.peek().is_some_and(char::is_ascii_alphanumeric);
            match letter {
                letter if letter.is_ascii_alphanumeric() => id.push(letter),
                // Elsewhere than within a word these could begin an arrow.
                '-' | '.' if in_word => id.push(letter),
                letter => {
                    // A String takes all that is written.
                    let _ = write!(id, "_{:x}_", u32::from(letter));
                }
            }
        }
        Self(id)
    }

    /// The name of a node that has none of its own.
    pub(super) fn numbered(kind: &'static str, number: usize) -> Self {
        Self(format!("{kind}_{number}"))
    }
}

/// A flowchart from left to right: its nodes in the order of their first mention, then its arrows.
#[derive(Debug, Default)]
pub(super) struct Diagram {
    known: BTreeSet<Id>,
    nodes: Vec<String>,
    arrows: Vec<String>,
}

impl Diagram {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Has a node drawn; again, nothing happens.
    pub(super) fn node<'t>(
        &mut self,
        id: &Id,
        shape: Shape,
        lines: impl IntoIterator<Item = &'t str>,
    ) {
        if !self.known.insert(id.clone()) {
            return;
        }
        let (open, close) = match shape {
            Shape::Box => ("[", "]"),
            Shape::Rounded => ("(", ")"),
            Shape::Cylinder => ("[(", ")]"),
            Shape::Hexagon => ("{{", "}}"),
        };
        let label = label(lines);
        self.nodes.push(format!("{}{open}\"{label}\"{close}", id.0));
    }

    /// Has an arrow drawn, with these lines at it.
    pub(super) fn arrow<'t>(
        &mut self,
        from: &Id,
        stroke: Stroke,
        lines: impl IntoIterator<Item = &'t str>,
        to: &Id,
    ) {
        let stroke = match stroke {
            Stroke::Solid => "-->",
            Stroke::Dotted => "-.->",
        };
        let label = match label(lines) {
            label if label.is_empty() => label,
            label => format!("|\"{label}\"|"),
        };
        let arrow = format!("{} {stroke}{label} {}", from.0, to.0);
        self.arrows.push(arrow);
    }
}

impl fmt::Display for Diagram {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "flowchart LR")?;
        for line in self.nodes.iter().chain(&self.arrows) {
            writeln!(out, "    {line}")?;
        }
        Ok(())
    }
}

/// The text between the quotes of a label.
fn label<'t>(lines: impl IntoIterator<Item = &'t str>) -> String {
    let lines: Vec<String> = lines.into_iter().map(escaped).collect();
    lines.join("<br/>")
}

/// Everything but letters, digits and harmless punctuation as Mermaid's `#NUMBER;`. A colon is not
/// harmless: after the word `style` it would take the `;` away from a number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || " /.,-_".contains(letter) {
            escaped.push(letter);
        } else {
            // A String takes all that is written.
            let _ = write!(escaped, "#{};", u32::from(letter));
        }
    }
    escaped
}
