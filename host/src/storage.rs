//! The state directory and the SQLite files in it: key-value stores, the bus's log, and the databases
//! that guests write SQL for. Which guest may open what is left to the capabilities.

pub mod bus;
pub mod database;
pub mod key_value;
pub mod ownership;
pub mod state_dir;
