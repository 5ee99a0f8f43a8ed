//! The glue: the exported HTTP handler, and the database that the engine gives. Every rule is left
//! to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/deps/spin-sqlite", "wit"],
        world: "store:search-service/service",
        generate_all,
    });

    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use std::cell::RefCell;

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::spin::sqlite::sqlite;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::service::Search;

/// The label of the index, and of a key-value store that is never opened.
const LABEL: &str = "search";

thread_local! {
    /// One for the life of an instance, so that its connection has read the index already.
    static SERVICE: Search = Search::new(
        Box::new(ComponentHost::new(LABEL)),
        Box::new(LinkedIdentity),
        Box::new(EngineDatabase::default()),
    );
}

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        SERVICE.with(|service| handle(service, &request, out));
    }
}

/// The engine's database, opened at its first use.
#[derive(Default)]
struct EngineDatabase {
    connection: RefCell<Option<sqlite::Connection>>,
}

impl Database for EngineDatabase {
    fn run(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let parameters = parameters.iter().cloned().map(|value| match value {
            Value::Null => sqlite::Value::Null,
            Value::Integer(value) => sqlite::Value::Integer(value),
            Value::Real(value) => sqlite::Value::Real(value),
            Value::Text(value) => sqlite::Value::Text(value),
        });
        let parameters: Vec<sqlite::Value> = parameters.collect();
        let mut kept = self.connection.borrow_mut();
        // After a failure the next one begins with a new connection: this one may be in the middle
        // of a transaction, which ends with it.
        let connection = match kept.take() {
            Some(connection) => connection,
            None => sqlite::Connection::open(LABEL)?,
        };
        let result = connection.execute(statement, &parameters)?;
        *kept = Some(connection);
        let value = |value| match value {
            // The index has no blobs.
            sqlite::Value::Null | sqlite::Value::Blob(_) => Value::Null,
            sqlite::Value::Integer(value) => Value::Integer(value),
            sqlite::Value::Real(value) => Value::Real(value),
            sqlite::Value::Text(value) => Value::Text(value),
        };
        let rows = result.rows.into_iter();
        let rows = rows.map(|row| Row(row.values.into_iter().map(value).collect()));
        Ok(rows.collect())
    }
}

impl From<sqlite::Error> for DatabaseError {
    fn from(error: sqlite::Error) -> DatabaseError {
        match error {
            sqlite::Error::NoSuchDatabase => DatabaseError::Refused("no such database".to_owned()),
            sqlite::Error::AccessDenied => DatabaseError::Refused("access denied".to_owned()),
            sqlite::Error::DatabaseFull => DatabaseError::Full,
            sqlite::Error::InvalidConnection => {
                DatabaseError::Failed("the connection is not valid".to_owned())
            }
            sqlite::Error::Io(text) => DatabaseError::Failed(text),
        }
    }
}
