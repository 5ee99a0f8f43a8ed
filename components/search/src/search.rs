//! The answer to a search: one statement, and up to four more where no product has all words.

use serde::Serialize;

use crate::correction;
use crate::database::{DatabaseError, Row, Value};
use crate::facets::{self, Facets, Tally};
use crate::index::{Index, integer};
use crate::product::Hit;
use crate::query::{Cursor, Key, Matching, Query, Sort, expression};

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// On all pages together.
    pub total: u64,
    pub facets: Facets,
    /// The words that were searched in the place of mistyped ones.
    pub corrected: Option<String>,
    /// The `after` of the next page.
    pub next: Option<String>,
}

impl Index<'_> {
    /// Searches.
    ///
    /// # Errors
    /// When the database is refused or fails.
    pub fn search(&self, query: &Query) -> Result<Found, DatabaseError> {
        let (found, has_matches) = self.find(query)?;
        if has_matches || query.words.is_empty() {
            return Ok(found);
        }
        let corrected = correction::correct(self, &query.words)?;
        let words = corrected.as_ref().unwrap_or(&query.words);
        let further = [
            (Matching::All, corrected.is_some()),
            (Matching::Any, words.len() > 1),
        ];
        for (matching, _) in further.into_iter().filter(|(_, is_worth)| *is_worth) {
            let query = Query {
                words: words.clone(),
                matching,
                ..query.clone()
            };
            if let (better, true) = self.find(&query)? {
                return Ok(Found {
                    corrected: corrected.map(|words| words.join(" ")),
                    ..better
                });
            }
        }
        Ok(found)
    }

    /// A page, and whether there is anything at all with the words.
    fn find(&self, query: &Query) -> Result<(Found, bool), DatabaseError> {
        let mut parameters = vec![
            match query.words.as_slice() {
                [] => Value::Null,
                words => expression(words, query.matching).into(),
            },
            query.category.as_deref().into(),
            query.price_min.map_or(0, integer).into(),
            query.price_max.map_or(i64::MAX, integer).into(),
            query.in_stock.map(i64::from).into(),
            query
                .after
                .as_ref()
                .map(|after| match &after.0 {
                    Key::Number(number) => Value::Integer(*number),
                    Key::Text(text) => Value::from(text.as_str()),
                })
                .into(),
            query.after.as_ref().map(|after| after.1).into(),
            // One more than asked for tells whether there is another page.
            integer(query.limit as u64 + 1).into(),
        ];
        if is_ranked(query) {
            parameters.push(format!(" {}", query.words.join(" ")).into());
        }
        let rows = self.database.run(&statement(query), &parameters)?;
        let (hits, tallies): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.integer(0) == HIT);
        let tallies: Vec<Tally> = tallies.into_iter().map(tally).collect();
        let (facets, total) = facets::count(&tallies, query);
        let shown = hits.get(..query.limit).unwrap_or(&hits);
        let next = match shown.last() {
            Some(row) if hits.len() > query.limit => Some(cursor(row).write()),
            _ => None,
        };
        let hits = shown.iter().map(|row| hit(row));
        let found = Found {
            hits: hits.collect::<Result<_, _>>()?,
            total,
            facets,
            corrected: None,
            next,
        };
        Ok((found, !tallies.is_empty()))
    }
}

/// What a row is: a hit, or a tally.
const HIT: i64 = 0;

/// The end of a title says what a thing is: a laptop stand is a stand. Scores are small; as
/// integers they survive being a cursor.
const RELEVANCE: &str = "CAST(bm25(texts, 10.0, 4.0, 4.0, 1.0) * CASE
    WHEN substr(' ' || title_key, -length(?9)) = ?9 THEN 2e12 ELSE 1e12 END AS INTEGER)";

/// Whether hits have scores.
fn is_ranked(query: &Query) -> bool {
    query.sort == Sort::Relevance && !query.words.is_empty()
}

/// The whole search as one statement: what has the words, once; the page of it; and its tallies.
fn statement(query: &Query) -> String {
    let source = match query.words.is_empty() {
        true => "products WHERE ?1 IS NULL",
        false => "texts CROSS JOIN products ON number = texts.rowid WHERE texts MATCH ?1",
    };
    let key = match query.sort {
        Sort::Relevance if is_ranked(query) => RELEVANCE,
        Sort::Relevance | Sort::Title => "title_key",
        Sort::Price => "price_minor",
        Sort::PriceDescending => "-price_minor",
    };
    format!(
        "WITH matched AS MATERIALIZED (
            SELECT number, category, category_title, price_step, is_available,
                price_minor BETWEEN ?3 AND ?4 AS is_in_price, {key} AS sort_key
            FROM {source}
         ),
         page AS MATERIALIZED (
            SELECT number, is_available, sort_key FROM matched
            WHERE is_in_price AND (?2 IS NULL OR category = ?2)
                AND (?5 IS NULL OR is_available = ?5)
                AND (?7 IS NULL OR (sort_key, number) > (?6, ?7))
            ORDER BY sort_key, number LIMIT ?8
         )
         SELECT 0, hit, is_available, sort_key, number, NULL
         FROM page CROSS JOIN details USING (number)
         UNION ALL
         SELECT 1, category, max(category_title), price_step, is_available * 2 + is_in_price,
            count(*)
         FROM matched GROUP BY category, price_step, is_available, is_in_price"
    )
}

fn hit(row: &Row) -> Result<Hit, DatabaseError> {
    let hit: Hit = serde_json::from_str(row.text(1))
        .map_err(|error| DatabaseError::Failed(format!("a product in the index: {error}")))?;
    Ok(Hit {
        in_stock: row.integer(2) == 1,
        ..hit
    })
}

fn cursor(row: &Row) -> Cursor {
    let key = match row.0.get(3) {
        Some(Value::Text(text)) => Key::Text(text.clone()),
        Some(Value::Integer(_) | Value::Real(_) | Value::Null) | None => {
            Key::Number(row.integer(3))
        }
    };
    Cursor(key, row.integer(4))
}

fn tally(row: &Row) -> Tally {
    let flags = row.integer(4);
    Tally {
        category: row.text(1).to_owned(),
        category_title: row.text(2).to_owned(),
        price_step: row.integer(3).unsigned_abs(),
        is_available: flags & 2 != 0,
        is_in_price: flags & 1 != 0,
        count: row.integer(5).unsigned_abs(),
    }
}

#[cfg(test)]
mod tests;
