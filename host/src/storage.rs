//! The state directory and the SQLite files in it: key-value stores, the bus's log, the databases
//! that guests write SQL for, and what live operations remember; and how all of it is backed up.
//! Which guest may open what is left to the capabilities.

pub mod backup;
pub mod bus;
pub mod commit_gate;
pub mod database;
pub mod key_value;
pub mod operations;
pub mod ownership;
mod pace;
pub mod state_dir;
