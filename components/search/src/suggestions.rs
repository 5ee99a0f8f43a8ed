//! How the word that someone is typing may go on. What stands in descriptions alone is not
//! suggested.

use crate::database::DatabaseError;
use crate::index::Index;
use crate::query::{Matching, Query, expression};

/// At most so many are suggested.
const SUGGESTIONS_MAX: i64 = 8;
/// How many of the products that have the words are looked at for how they go on.
const PRODUCTS_MAX: i64 = 100;

/// Texts that begin with this one, the most frequent first; each finds something.
///
/// # Errors
/// When the database is refused or fails.
pub fn suggest(index: &Index<'_>, text: &str) -> Result<Vec<String>, DatabaseError> {
    let mut words = Query::new(text).words;
    let expression = expression(&words, Matching::All);
    let Some(begun) = words.pop() else {
        return Ok(Vec::new());
    };
    // Everything that begins so stands before what begins so and goes on with the last character.
    let end = format!("{begun}\u{10ffff}");
    let rows = match words.is_empty() {
        true => index.database.run(
            "SELECT word FROM words WHERE word >= ?1 AND word < ?2 AND named > 0
             ORDER BY named DESC, word LIMIT ?3",
            &[begun.into(), end.into(), SUGGESTIONS_MAX.into()],
        )?,
        false => index.database.run(
            "WITH matched AS (
                SELECT rowid AS number FROM texts WHERE texts MATCH ?4
                ORDER BY bm25(texts, 10.0, 4.0, 4.0, 1.0) LIMIT ?5
             )
             SELECT key FROM matched JOIN details USING (number), json_each(words)
             WHERE key >= ?1 AND key < ?2 AND value = 1
             GROUP BY key ORDER BY count(*) DESC, key LIMIT ?3",
            &[
                begun.into(),
                end.into(),
                SUGGESTIONS_MAX.into(),
                expression.into(),
                PRODUCTS_MAX.into(),
            ],
        )?,
    };
    let suggestions = rows.iter().map(|row| {
        words.push(row.text(0).to_owned());
        let suggestion = words.join(" ");
        words.pop();
        suggestion
    });
    Ok(suggestions.collect())
}
