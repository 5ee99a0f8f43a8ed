//! Makes printable lines of what a guest writes, piece by piece, in bounded memory. Where the lines
//! go is left to the caller.

use std::fmt::Write;

/// The longest line in bytes, as written and as printed; the rest of a longer one is cut.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// The line that a guest is writing.
#[derive(Default)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    cut_bytes: u64,
}

impl LineBuffer {
    /// Takes more output, and hands on each line that it completes, without its end.
    pub fn push(&mut self, mut bytes: &[u8], mut emit: impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.append(line);
            self.emit(&mut emit);
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.append(bytes);
    }

    /// Hands on a last line that has no end.
    pub fn finish(&mut self, mut emit: impl FnMut(&str)) {
        if !self.bytes.is_empty() {
            self.emit(&mut emit);
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX.saturating_sub(self.bytes.len());
        let (kept, cut) = bytes.split_at(room.min(bytes.len()));
        self.bytes.extend_from_slice(kept);
        self.cut_bytes += cut.len() as u64;
    }

    fn emit(&mut self, emit: &mut impl FnMut(&str)) {
        let (mut line, cut_bytes) =
            printable(self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes));
        let cut_bytes = cut_bytes + self.cut_bytes;
        if cut_bytes > 0 {
            line.push_str(&format!(" … {cut_bytes} bytes cut"));
        }
        self.cut_bytes = 0;
        // A long line's memory is given back; an instance may live long and never write such again.
        self.bytes.clear();
        self.bytes.shrink_to(256);
        emit(&line);
    }
}

/// The text with everything escaped that is not plain text: what is not UTF-8, control characters
/// but for the tab, and the marks that turn the direction of text around. Also returns how many
/// bytes are left out because the escaped text would be too long.
fn printable(bytes: &[u8]) -> (String, u64) {
    let mut text = String::with_capacity(bytes.len());
    let mut read_bytes = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if text.len() >= LINE_BYTES_MAX {
                return (text, (bytes.len() - read_bytes) as u64);
            }
            read_bytes += character.len_utf8();
            if is_plain(character) {
                text.push(character);
            } else {
                text.extend(character.escape_default());
            }
        }
        for byte in chunk.invalid() {
            if text.len() >= LINE_BYTES_MAX {
                return (text, (bytes.len() - read_bytes) as u64);
            }
            read_bytes += 1;
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    (text, 0)
}

/// Whether a character is text and nothing else: see [`LineBuffer`].
pub fn is_plain(character: char) -> bool {
    match character {
        '\t' => true,
        // Line and paragraph separators; directional marks, overrides and isolates (UAX 9).
        '\u{2028}' | '\u{2029}' => false,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => false,
        '\u{2066}'..='\u{2069}' => false,
        other => !other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{LINE_BYTES_MAX, LineBuffer};

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for piece in pieces {
            buffer.push(piece, |line| lines.push(line.to_owned()));
        }
        buffer.finish(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn pieces_become_whole_lines() {
        assert_eq!(lines(&[b"a", b"b\n\nc\r\nd", b"e"]), ["ab", "", "c", "de"]);
        assert_eq!(lines(&["é\n".as_bytes().split_at(1).0, b"\xa9\n"]), ["é"]);
        assert_eq!(lines(&[b"a\n"]), ["a"]);
        assert_eq!(lines(&[]), [""; 0]);
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let nasty = "\u{1b}[2J\ta\rb\u{7}\u{9b}31m\u{202e}x\0".as_bytes();
        let expected = r"\u{1b}[2J	a\rb\u{7}\u{9b}31m\u{202e}x\u{0}";
        assert_eq!(lines(&[nasty]), [expected]);
        assert_eq!(lines(&[b"\xff\xfe ok \x80"]), [r"\xff\xfe ok \x80"]);
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = vec![b'a'; LINE_BYTES_MAX + 5];
        let cut = format!("{} … 5 bytes cut", "a".repeat(LINE_BYTES_MAX));
        assert_eq!(lines(&[&long, b"\nb\n"]), [cut.as_str(), "b"]);

        let escapes = vec![0x1b; LINE_BYTES_MAX];
        let mut buffer = LineBuffer::default();
        for _ in 0..1000 {
            buffer.push(&escapes, |line| panic!("{line}"));
        }
        assert!(buffer.bytes.len() <= LINE_BYTES_MAX);
        buffer.push(b"\n", |line| {
            assert!(line.len() < LINE_BYTES_MAX + 64, "{}", line.len())
        });
        assert!(buffer.bytes.capacity() <= 256);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_pieces(text in any::<Vec<u8>>(), at in any::<usize>()) {
            let (first, second) = text.split_at(at.checked_rem(text.len()).unwrap_or_default());
            assert_eq!(lines(&[first, second]), lines(&[&text]));
        }

        #[test]
        fn lines_hold_no_control_characters(text in any::<Vec<u8>>()) {
            for line in lines(&[&text]) {
                assert!(line.chars().all(|one| one == '\t' || !one.is_control()), "{line:?}");
            }
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "[^\\p{C}\\p{Z}]{1,40}") {
            assert_eq!(lines(&[text.as_bytes()]), [text]);
        }
    }
}
