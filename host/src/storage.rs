//! The state directory and the SQLite files in it.

pub mod database;
pub mod key_value;
pub mod state_dir;
