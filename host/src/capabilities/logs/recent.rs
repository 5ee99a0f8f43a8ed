//! The newest lines of each service, in memory, for who asks what guests have written. A service
//! that has not written anything has no part in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Lines of one service, each with [`ENTRY_BYTES`] beside its text.
pub const SERVICE_BYTES_MAX: usize = 256 * 1024;
/// What a line takes beside its text, so that empty lines do not fill the memory.
const ENTRY_BYTES: usize = 64;

/// Which of a guest's two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stdout,
    Stderr,
}

/// One line that a guest wrote.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted over all services, from 1.
    pub number: u64,
    pub time: SystemTime,
    pub service: Arc<str>,
    pub stream: Kind,
    /// As [`super::line`] makes it printable.
    pub text: Arc<str>,
}

/// Some lines, the oldest first.
#[derive(Debug, Default)]
pub struct Page {
    pub lines: Vec<Line>,
    /// Whether there are later ones.
    pub more: bool,
}

/// The newest lines of all services.
#[derive(Debug, Default)]
pub struct Lines {
    /// How many lines there were.
    count: AtomicU64,
    rings: Mutex<BTreeMap<Arc<str>, Arc<Ring>>>,
}

/// The newest lines of one service.
#[derive(Debug, Default)]
pub struct Ring(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Lines {
    /// Those of a service, whichever of its revisions writes.
    pub(super) fn ring(&self, service: &Arc<str>) -> Arc<Ring> {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.entry(service.clone()).or_default().clone()
    }

    /// Keeps one more line. It gets its number while its ring is locked: who has read a later
    /// number, and then waits for the ring, finds it.
    pub(super) fn add(&self, ring: &Ring, service: &Arc<str>, stream: Kind, text: &str) {
        let mut held = ring.lock();
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        held.bytes += text.len() + ENTRY_BYTES;
        held.lines.push_back(Line {
            number,
            time: SystemTime::now(),
            service: service.clone(),
            stream,
            text: text.into(),
        });
        while held.bytes > SERVICE_BYTES_MAX
            && let Some(oldest) = held.lines.pop_front()
        {
            held.bytes -= oldest.text.len() + ENTRY_BYTES;
        }
    }

    /// The oldest lines after a number, of one service or of all, as many as are asked for and fit
    /// into so many bytes of text. A number that no line has had yet was given by a host before
    /// this one, to which all lines are new.
    pub fn after(
        &self,
        service: Option<&str>,
        number: u64,
        lines_max: usize,
        bytes_max: usize,
    ) -> Page {
        let last = self.count.load(Ordering::SeqCst);
        let number = if number > last { 0 } else { number };
        let mut lines = Vec::new();
        for ring in self.rings_of(service) {
            let held = ring.lock();
            let start = held.lines.partition_point(|line| line.number <= number);
            let new = held.lines.range(start..).take(lines_max.saturating_add(1));
            lines.extend(new.filter(|line| line.number <= last).cloned());
        }
        lines.sort_unstable_by_key(|line: &Line| line.number);
        let mut bytes = 0;
        let fits = |line: &&Line| {
            bytes += line.text.len() + ENTRY_BYTES;
            bytes <= bytes_max
        };
        // One that is larger than all of it would never be passed.
        let count = lines.iter().take(lines_max).take_while(fits).count().max(1);
        let more = lines.len() > count;
        lines.truncate(count);
        Page { lines, more }
    }

    fn rings_of(&self, service: Option<&str>) -> Vec<Arc<Ring>> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        match service {
            Some(id) => rings.get(id).cloned().into_iter().collect(),
            None => rings.values().cloned().collect(),
        }
    }
}

impl Ring {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::*;

    fn write(lines: &Lines, service: &str, text: &str) {
        let service: Arc<str> = service.into();
        lines.add(&lines.ring(&service), &service, Kind::Stdout, text);
    }

    fn texts(page: &Page) -> Vec<&str> {
        page.lines.iter().map(|line| &*line.text).collect()
    }

    #[test]
    fn lines_of_all_services_come_in_their_order() {
        let lines = Lines::default();
        for (service, text) in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")] {
            write(&lines, service, text);
        }
        let page = lines.after(None, 0, 3, usize::MAX);
        assert_eq!(texts(&page), ["1", "2", "3"]);
        assert!(page.more);
        let page = lines.after(None, 3, 3, usize::MAX);
        assert_eq!(texts(&page), ["4"]);
        assert!(!page.more);
        assert_eq!(texts(&lines.after(Some("b"), 2, 9, usize::MAX)), ["4"]);
        assert!(lines.after(Some("c"), 0, 9, usize::MAX).lines.is_empty());
        assert!(lines.after(None, 4, 9, usize::MAX).lines.is_empty());
        assert_eq!(lines.after(None, 5, 9, usize::MAX).lines.len(), 4);
        let page = lines.after(None, 0, 9, 1);
        assert_eq!((texts(&page), page.more), (vec!["1"], true));
    }

    #[test]
    fn the_newest_lines_stay_and_empty_ones_take_room_too() {
        let lines = Lines::default();
        for _ in 0..10_000 {
            write(&lines, "a", "");
        }
        let held = lines.after(None, 0, usize::MAX - 1, usize::MAX).lines;
        assert_eq!(held.len(), SERVICE_BYTES_MAX / ENTRY_BYTES);
        assert_eq!(held.last().unwrap().number, 10_000);
        write(&lines, "b", &"x".repeat(SERVICE_BYTES_MAX - ENTRY_BYTES));
        write(&lines, "b", "y");
        assert_eq!(texts(&lines.after(Some("b"), 0, 9, usize::MAX)), ["y"]);
    }

    proptest! {
        #[test]
        fn who_reads_on_misses_nothing_and_reads_nothing_twice(
            services in proptest::collection::vec(0usize..4, 0..80),
            lines_max in 1usize..10,
        ) {
            let lines = Lines::default();
            for (number, service) in services.iter().enumerate() {
                write(&lines, ["a", "b", "c", "d"][*service], &number.to_string());
            }
            let (mut after, mut read) = (0, Vec::new());
            loop {
                let page = lines.after(None, after, lines_max, usize::MAX);
                assert!(page.lines.len() <= lines_max);
                read.extend(page.lines.iter().map(|line| line.number));
                after = read.last().copied().unwrap_or_default();
                if !page.more {
                    break;
                }
            }
            let all: Vec<u64> = (1..=services.len() as u64).collect();
            assert_eq!(read, all);
        }
    }

    #[test]
    fn a_reader_beside_writers_misses_nothing() {
        const LINES: u64 = 1000;
        let lines = Lines::default();
        std::thread::scope(|scope| {
            for service in ["a", "b"] {
                let lines = &lines;
                scope.spawn(move || (0..LINES).for_each(|_| write(lines, service, "x")));
            }
            let mut read = Vec::new();
            while read.len() < 2 * LINES as usize {
                let after = read.last().copied().unwrap_or_default();
                let page = lines.after(None, after, 7, usize::MAX);
                read.extend(page.lines.iter().map(|line| line.number));
            }
            assert!(read.iter().copied().eq(1..=2 * LINES));
        });
    }
}
