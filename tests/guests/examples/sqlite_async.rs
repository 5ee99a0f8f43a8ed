//! `spin:sqlite@3.1.0` by its async functions: rows come as a stream. `?first=N` stops reading
//! after N rows.

use kumiki_guests::bindings::concurrent::spin::sqlite::sqlite::{Connection, Error, Value};
use kumiki_guests::query::Query;
use kumiki_guests::service::{HandlerResult, body, outcome, query};
use kumiki_guests::wasip3::http::types::Request;

kumiki_guests::service!(handle);

async fn handle(request: Request) -> HandlerResult {
    let query = query(&request);
    let statement = String::from_utf8(body(request).await).unwrap();
    outcome(run(&query, statement).await)
}

async fn run(query: &Query, statement: String) -> Result<String, Error> {
    let connection = Connection::open_async(query.text("database").into()).await?;
    let parameters: Vec<Value> = query
        .all("text")
        .map(|text| Value::Text(text.into()))
        .collect();
    let (columns, mut rows, end) = connection.execute_async(statement, parameters).await?;
    let mut lines = vec![columns.join(", ")];
    let limit = query.number("first", u64::MAX);
    let mut read = 0;
    while read < limit {
        let Some(row) = rows.next().await else {
            end.await?;
            break;
        };
        read += 1;
        let values: Vec<String> = row
            .values
            .iter()
            .map(|value| format!("{value:?}"))
            .collect();
        lines.push(values.join(", "));
    }
    let changes = connection.changes_async().await;
    let row = connection.last_insert_rowid_async().await;
    lines.insert(0, format!("{changes} changed, row {row}"));
    Ok(lines.join("\n"))
}
