//! The words that were meant where some were mistyped: for each word that no product has, the one
//! of the index that is nearest to it, and of those the one that most products have.

use std::cmp::Reverse;

use crate::database::{DatabaseError, Value};
use crate::index::{Index, integer};
use crate::query::{Matching, expression};
use crate::words::{distance, mistakes_max};

/// The words with the mistyped ones replaced; none where none can be.
///
/// # Errors
/// When the database is refused or fails.
pub fn correct(index: &Index<'_>, words: &[String]) -> Result<Option<Vec<String>>, DatabaseError> {
    let is_known = known(index, words)?;
    let wrong = || {
        words
            .iter()
            .zip(&is_known)
            .filter(|(_, is_known)| !**is_known)
    };
    let lengths = || wrong().map(|(word, _)| word.chars().count());
    let mistakes = lengths().map(mistakes_max).max().unwrap_or(0);
    let (Some(shortest), Some(longest)) = (lengths().min(), lengths().max()) else {
        return Ok(None);
    };
    let candidates = index.database.run(
        "SELECT word, products FROM words WHERE length(word) BETWEEN ?1 AND ?2",
        &[
            integer(shortest.saturating_sub(mistakes) as u64).into(),
            integer((longest + mistakes) as u64).into(),
        ],
    )?;
    let mut corrected = words.to_vec();
    for (word, _) in corrected
        .iter_mut()
        .zip(&is_known)
        .filter(|(_, is_known)| !**is_known)
    {
        let most = mistakes_max(word.chars().count());
        let nearest = candidates
            .iter()
            .map(|row| {
                (
                    distance(word, row.text(0)),
                    Reverse(row.integer(1)),
                    row.text(0),
                )
            })
            .filter(|(mistakes, _, _)| *mistakes <= most)
            .min();
        if let Some((_, _, nearest)) = nearest {
            nearest.clone_into(word);
        }
    }
    Ok((corrected != words).then_some(corrected))
}

/// Of each word whether any product has it, asked as the search asks.
fn known(index: &Index<'_>, words: &[String]) -> Result<Vec<bool>, DatabaseError> {
    let expressions: Vec<Value> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let prefix = expression(std::slice::from_ref(word), Matching::All);
            let is_last = at + 1 == words.len();
            let exact = prefix.trim_end_matches('*');
            Value::from(if is_last { prefix.as_str() } else { exact })
        })
        .collect();
    let columns: Vec<String> = (1..=words.len())
        .map(|at| format!("EXISTS (SELECT 1 FROM texts WHERE texts MATCH ?{at})"))
        .collect();
    let statement = format!("SELECT {}", columns.join(", "));
    let rows = index.database.run(&statement, &expressions)?;
    let row = rows.first();
    let is_known = |column| row.is_some_and(|row| row.integer(column) == 1);
    Ok((0..words.len()).map(is_known).collect())
}
