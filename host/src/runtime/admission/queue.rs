//! The calls that wait for a place, in turn per caller.
//!
//! A caller that floods a service waits behind itself: each caller has a line of its own, the lines
//! are served in turn, and when all lines together are too long, the newest call of the longest
//! line gives way.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Place;

/// A call that waits.
pub struct Waiter(pub oneshot::Sender<Place>);

/// All lines of one service.
#[derive(Default)]
pub struct Queue {
    /// Linked and chained callers, the next one to be served first.
    callers: VecDeque<Line>,
    /// Requests from outside.
    outside: VecDeque<Waiter>,
}

struct Line {
    caller: Arc<str>,
    waiting: VecDeque<Waiter>,
}

impl Waiter {
    /// Whether somebody still waits.
    fn is_alive(&self) -> bool {
        !self.0.is_closed()
    }
}

impl Queue {
    /// Puts a call at the end of its caller's line; `caller` is `None` for a request from outside.
    /// Beyond `max` the newest of the longest line gives way and is returned: as the error, if that
    /// is the call itself.
    pub fn push(
        &mut self,
        caller: Option<Arc<str>>,
        waiter: Waiter,
        max: usize,
    ) -> Result<Option<Waiter>, Waiter> {
        if self.unpurged_len() < max || self.len() < max {
            self.line(caller).push_back(waiter);
            return Ok(None);
        }
        let own = self.line(caller.clone()).len();
        let displaced = match self.longest() {
            Some(longest) if longest.len() > own + 1 => longest.pop_back(),
            Some(_) | None => None,
        };
        self.callers.retain(|line| !line.waiting.is_empty());
        match displaced {
            Some(displaced) => {
                self.line(caller).push_back(waiter);
                Ok(Some(displaced))
            }
            None => Err(waiter),
        }
    }

    /// The next call to be served. Requests from outside come after all others, and only if
    /// `outside` may be served.
    pub fn next(&mut self, outside: bool) -> Option<Waiter> {
        while let Some(mut line) = self.callers.pop_front() {
            let next = next_alive(&mut line.waiting);
            if !line.waiting.is_empty() {
                self.callers.push_back(line);
            }
            if next.is_some() {
                return next;
            }
        }
        outside.then(|| next_alive(&mut self.outside)).flatten()
    }

    /// Calls that wait; those who have left are forgotten.
    pub fn len(&mut self) -> usize {
        self.outside.retain(Waiter::is_alive);
        for line in &mut self.callers {
            line.waiting.retain(Waiter::is_alive);
        }
        self.callers.retain(|line| !line.waiting.is_empty());
        self.unpurged_len()
    }

    fn unpurged_len(&self) -> usize {
        let linked: usize = self.callers.iter().map(|line| line.waiting.len()).sum();
        linked + self.outside.len()
    }

    fn line(&mut self, caller: Option<Arc<str>>) -> &mut VecDeque<Waiter> {
        let Some(caller) = caller else {
            return &mut self.outside;
        };
        let index = self.callers.iter().position(|line| line.caller == caller);
        let index = index.unwrap_or_else(|| {
            self.callers.push_back(Line {
                caller,
                waiting: VecDeque::new(),
            });
            self.callers.len() - 1
        });
        match self.callers.get_mut(index) {
            Some(line) => &mut line.waiting,
            None => &mut self.outside,
        }
    }

    fn longest(&mut self) -> Option<&mut VecDeque<Waiter>> {
        let linked = self.callers.iter_mut().map(|line| &mut line.waiting);
        linked
            .chain([&mut self.outside])
            .max_by_key(|line| line.len())
    }
}

fn next_alive(line: &mut VecDeque<Waiter>) -> Option<Waiter> {
    std::iter::from_fn(|| line.pop_front()).find(Waiter::is_alive)
}
