//! How commands print: to standard output, and what others wrote in a way that steers no terminal.

use std::io::Write;

use serde::Serialize;

use crate::capabilities::logs::is_plain;

/// Prints a line. Who closes the pipe early has seen enough.
pub fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a value as JSON over several lines.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A text that does not steer the terminal, whoever wrote it.
pub fn plain(text: &str) -> String {
    let shown = |character: char| match is_plain(character) {
        true => character,
        false => '\u{fffd}',
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\tb\u{202e}c"), "a\u{fffd}[2J\tb\u{fffd}c");
    }
}
