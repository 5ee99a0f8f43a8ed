//! `fermyon:spin/sqlite@2.0.0`: runs the statement of the body on the database `?database=`, with
//! the texts of `?text=` as parameters, and answers with the columns and rows.

use kumiki_guests::bindings::plain::fermyon::spin::sqlite::{Connection, Error, Value};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    run(&request).into()
}

fn run(request: &Request) -> Result<String, Error> {
    let connection = Connection::open(request.query.text("database"))?;
    let parameters: Vec<Value> = request
        .query
        .all("text")
        .map(|text| Value::Text(text.into()))
        .collect();
    let result = connection.execute(&request.text(), &parameters)?;
    let rows = result.rows.iter().map(|row| {
        row.values
            .iter()
            .map(|value| format!("{value:?}"))
            .collect::<Vec<_>>()
            .join(", ")
    });
    let head = std::iter::once(result.columns.join(", "));
    Ok(head.chain(rows).collect::<Vec<_>>().join("\n"))
}
