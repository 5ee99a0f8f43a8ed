//! The gateway over real sockets, with static responses and handlers of the test's own in the place
//! of guests.

mod hostile;
mod lifecycle;
mod requests;
mod support;
