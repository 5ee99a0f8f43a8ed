//! Watches the bytes of an HTTP/1 connection for heads that hyper accepts but that another server
//! on the way may read differently: the raw material of request smuggling. It only counts heads and
//! says which one to refuse; parsing, and all other refusals, are left to hyper.
//!
//! Refused are a head with both `Content-Length` and `Transfer-Encoding` (RFC 9112, 6.1: hyper
//! drops the length before the service sees it) and a head with a line that ends in a bare LF (RFC
//! 9112, 2.2: a recipient may take it for a line end, so some do and some do not). To know where a
//! head begins, the guard follows the framing of the bodies in between, as hyper does; were the two
//! ever to differ, the guard could refuse too much, but never let more through than hyper does.

use std::sync::atomic::{AtomicU64, Ordering};

/// Enough of a line to read `Content-Length: ` and a number of twenty digits.
const LINE_BYTES_KEPT: usize = 64;

/// Which head of a connection must be refused, shared between the transport and the service.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The number of the first such head, counted from 1; 0: none.
    refused: AtomicU64,
}

impl Verdict {
    /// Whether the head with this number, counted from 1, must be refused.
    pub fn refuses(&self, head_number: u64) -> bool {
        self.refused.load(Ordering::Acquire) == head_number
    }
}

/// Follows one direction of one connection.
#[derive(Debug, Default)]
pub struct HeadGuard {
    state: State,
    head: Head,
    line: Line,
    heads: u64,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    /// Body bytes that remain.
    Sized(u64),
    ChunkSize,
    /// Bytes of a chunk that remain, with the CRLF after it.
    Chunk(u64),
    Trailers,
    /// The framing is not understood, or a head was refused: the connection is about to end.
    Blind,
}

#[derive(Debug, Default)]
struct Head {
    lines: u64,
    content_length: Option<u64>,
    transfer_encoding: bool,
    suspect: bool,
}

#[derive(Debug, Default)]
struct Line {
    /// The first bytes of the line.
    kept: Vec<u8>,
    length: u64,
    last: u8,
}

impl HeadGuard {
    /// Looks at bytes that were read from the client, in order.
    pub fn observe(&mut self, mut bytes: &[u8], verdict: &Verdict) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Blind => return,
                State::Sized(left) => self.skip(bytes, left, State::Head, State::Sized),
                State::Chunk(left) => self.skip(bytes, left, State::ChunkSize, State::Chunk),
                State::Head | State::ChunkSize | State::Trailers => self.line(bytes, verdict),
            };
        }
    }

    /// Steps over as many of the `left` bytes as are there.
    fn skip<'a>(
        &mut self,
        bytes: &'a [u8],
        left: u64,
        after: State,
        unfinished: fn(u64) -> State,
    ) -> &'a [u8] {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left.saturating_sub(take as u64);
        self.state = if left == 0 { after } else { unfinished(left) };
        bytes.get(take..).unwrap_or_default()
    }

    /// Reads to the end of the line, if it is there, and acts on the line.
    fn line<'a>(&mut self, bytes: &'a [u8], verdict: &Verdict) -> &'a [u8] {
        let Some(position) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.push(bytes);
            return &[];
        };
        self.line.push(bytes.get(..position).unwrap_or_default());
        let line = std::mem::take(&mut self.line);
        match self.state {
            State::Head => self.head_line(&line, verdict),
            State::ChunkSize => self.state = chunk_state(line.text()),
            State::Trailers if line.is_empty() => self.state = State::Head,
            State::Trailers | State::Sized(_) | State::Chunk(_) | State::Blind => {}
        }
        // The buffer is used again, so that a head costs no allocation.
        self.line.kept = line.kept;
        self.line.kept.clear();
        bytes.get(position + 1..).unwrap_or_default()
    }

    fn head_line(&mut self, line: &Line, verdict: &Verdict) {
        if line.is_empty() && self.head.lines == 0 {
            // Empty lines before a request line are skipped (RFC 9112, 2.2).
            return;
        }
        self.head.suspect |= line.last != b'\r';
        if !line.is_empty() {
            self.head.lines += 1;
            self.head.field(line.text());
            return;
        }
        let head = std::mem::take(&mut self.head);
        self.heads += 1;
        if head.suspect || (head.transfer_encoding && head.content_length.is_some()) {
            self.state = State::Blind;
            verdict.refused.store(self.heads, Ordering::Release);
        } else if head.transfer_encoding {
            self.state = State::ChunkSize;
        } else if let Some(length) = head.content_length.filter(|length| *length > 0) {
            self.state = State::Sized(length);
        }
    }
}

impl Head {
    fn field(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return;
        };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.transfer_encoding = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            match std::str::from_utf8(value).map(str::parse) {
                Ok(Ok(length)) => self.content_length = Some(length),
                // Not a number that is understood here: whatever hyper makes of it, it is refused.
                Ok(Err(_)) | Err(_) => self.suspect = true,
            }
        }
    }
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_KEPT
            .saturating_sub(self.kept.len())
            .min(bytes.len());
        self.kept
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.length += bytes.len() as u64;
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    fn is_empty(&self) -> bool {
        self.length == 0 || (self.length == 1 && self.last == b'\r')
    }

    /// The beginning of the line, without the CR at its end.
    fn text(&self) -> &[u8] {
        self.kept.strip_suffix(b"\r").unwrap_or(&self.kept)
    }
}

/// What follows a chunk-size line; sizes that are no number are hyper's to refuse.
fn chunk_state(line: &[u8]) -> State {
    let digits = line
        .split(|byte| !byte.is_ascii_hexdigit())
        .next()
        .unwrap_or_default();
    let size = std::str::from_utf8(digits)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok());
    match size {
        Some(0) => State::Trailers,
        Some(size) => State::Chunk(size.saturating_add(2)),
        None => State::Blind,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HeadGuard, Verdict};

    /// The number of heads seen and of the refused one, when the bytes come in pieces of `step`.
    fn judge(bytes: &[u8], step: usize) -> (u64, Option<u64>) {
        let (mut guard, verdict) = (HeadGuard::default(), Verdict::default());
        for piece in bytes.chunks(step) {
            guard.observe(piece, &verdict);
        }
        (
            guard.heads,
            (1..=guard.heads).find(|number| verdict.refuses(*number)),
        )
    }

    fn judge_whole(text: &str) -> (u64, Option<u64>) {
        judge(text.as_bytes(), usize::MAX)
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const SIZED: &str =
        "POST / HTTP/1.1\r\nhost: a\r\nContent-Length:  14\r\n\r\nGET / X\r\n\r\nabc";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                           5;x=y\r\n\r\n\r\n\n\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
    const BOTH: &str = "POST / HTTP/1.1\r\nHost: a\r\nCONTENT-LENGTH: 3\r\n\
                        transfer-encoding: chunked\r\n\r\n";

    #[test]
    fn harmless_heads_pass_and_bodies_are_not_mistaken_for_heads() {
        assert_eq!(
            judge_whole(&format!("{GET}\r\n{SIZED}{CHUNKED}{GET}{SIZED}")),
            (5, None)
        );
    }

    #[test]
    fn both_framings_are_refused_in_either_order() {
        assert_eq!(judge_whole(&format!("{GET}{BOTH}{GET}")), (2, Some(2)));
        let swapped = "POST / HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(judge_whole(swapped), (1, Some(1)));
    }

    #[test]
    fn a_bare_lf_is_refused_anywhere_in_the_head() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
        ] {
            assert_eq!(judge_whole(text), (1, Some(1)), "{text:?}");
        }
    }

    #[test]
    fn lengths_that_are_no_number_are_refused() {
        for value in ["", "-1", "0x3", "3, 3", "99999999999999999999999"] {
            let text = format!("POST / HTTP/1.1\r\nContent-Length: {value}\r\n\r\n");
            assert_eq!(judge_whole(&text), (1, Some(1)), "{value}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_bytes_come_do_not_matter(
            parts in prop::collection::vec(
                prop::sample::select(vec![GET, SIZED, CHUNKED, BOTH]),
                0..6,
            ),
            step in 1usize..40,
        ) {
            let text = parts.concat();
            let first = parts.iter().position(|part| *part == BOTH).map(|index| index as u64 + 1);
            prop_assert_eq!(judge(text.as_bytes(), step).1, first);
            prop_assert_eq!(judge(text.as_bytes(), step), judge_whole(&text));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, step in 1usize..9) {
            judge(&bytes, step);
        }
    }
}
