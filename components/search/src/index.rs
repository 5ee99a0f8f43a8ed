//! What becomes of events in the index. Each may come twice or late; what the index knows is always
//! the newest that it was told.

use serde_json::to_string;

use crate::database::{Database, DatabaseError, Row, Value, transact};
use crate::prices;
use crate::product::{Hit, Level, Product, Removal};
use crate::tables;

/// The index in a database.
pub struct Index<'d> {
    pub(crate) database: &'d dyn Database,
}

/// What is known of a product that changes.
struct Known {
    /// Its row; none when it was removed.
    number: Option<i64>,
    version: i64,
    words: String,
}

impl<'d> Index<'d> {
    /// The index in this database, whose tables are made if need be.
    ///
    /// # Errors
    /// As all below: when the database is refused or fails.
    pub fn open(database: &'d dyn Database) -> Result<Index<'d>, DatabaseError> {
        tables::prepare(database)?;
        Ok(Index::new(database))
    }

    /// The index in a database whose tables are known to be there.
    pub fn new(database: &'d dyn Database) -> Index<'d> {
        Index { database }
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// As above.
    pub fn clear(&self) -> Result<(), DatabaseError> {
        tables::clear(self.database)
    }

    /// Takes over a product, unless a newer version of it is known. Without anything to buy it is
    /// as good as removed.
    ///
    /// # Errors
    /// As above.
    pub fn put(&self, product: &Product) -> Result<(), DatabaseError> {
        let Some(hit) = product.hit() else {
            return self.remove(&Removal {
                id: product.id.clone(),
                version: Some(product.version),
            });
        };
        transact(self.database, || {
            let known = self.known(&product.id)?;
            let is_old = |known: &Known| known.version >= integer(product.version);
            if known.as_ref().is_some_and(is_old) {
                return Ok(());
            }
            // The same row again, so that who leafs through pages goes on where he was.
            let number = known.as_ref().and_then(|known| known.number);
            self.forget(&product.id, known)?;
            self.insert(number, product, &hit)
        })
    }

    /// Removes a product, unless a newer version of it is known.
    ///
    /// # Errors
    /// As above.
    pub fn remove(&self, removal: &Removal) -> Result<(), DatabaseError> {
        transact(self.database, || {
            let known = self.known(&removal.id)?;
            let is_newer = |version: u64| {
                let known = known.as_ref();
                known.is_some_and(|known| known.version > integer(version))
            };
            if removal.version.is_some_and(is_newer) {
                return Ok(());
            }
            self.forget(&removal.id, known)?;
            if let Some(version) = removal.version {
                let values = [Value::from(removal.id.as_str()), integer(version).into()];
                self.database
                    .run("INSERT INTO removed (id, version) VALUES (?1, ?2)", &values)?;
            }
            Ok(())
        })
    }

    /// Takes over how much there is of a SKU, whether its product is known yet or not.
    ///
    /// # Errors
    /// As above.
    pub fn set_stock(&self, level: &Level) -> Result<(), DatabaseError> {
        let sku = Value::from(level.sku.as_str());
        transact(self.database, || {
            self.database.run(
                "INSERT INTO stock (sku, available) VALUES (?1, ?2)
                 ON CONFLICT (sku) DO UPDATE SET available = excluded.available",
                &[sku.clone(), i64::from(level.available).into()],
            )?;
            self.judge("SELECT number FROM variants WHERE sku = ?1", sku)
        })
    }

    fn known(&self, id: &str) -> Result<Option<Known>, DatabaseError> {
        let rows = self.database.run(
            "SELECT number, version, words FROM products JOIN details USING (number) WHERE id = ?1
             UNION ALL SELECT NULL, version, '' FROM removed WHERE id = ?1",
            &[id.into()],
        )?;
        Ok(rows.first().map(|row: &Row| Known {
            number: (!row.is_null(0)).then(|| row.integer(0)),
            version: row.integer(1),
            words: row.text(2).to_owned(),
        }))
    }

    fn forget(&self, id: &str, known: Option<Known>) -> Result<(), DatabaseError> {
        let Some(known) = known else {
            return Ok(());
        };
        let Some(number) = known.number else {
            self.database
                .run("DELETE FROM removed WHERE id = ?1", &[id.into()])?;
            return Ok(());
        };
        for statement in [
            "UPDATE words SET products = products - 1, named = named - old.value
             FROM json_each(?1) AS old WHERE word = old.key",
            "DELETE FROM words
             WHERE products <= 0 AND word IN (SELECT key FROM json_each(?1))",
        ] {
            self.database
                .run(statement, &[known.words.as_str().into()])?;
        }
        for table in ["products", "details", "variants"] {
            let statement = format!("DELETE FROM {table} WHERE number = ?1");
            self.database.run(&statement, &[number.into()])?;
        }
        self.database
            .run("DELETE FROM texts WHERE rowid = ?1", &[number.into()])?;
        Ok(())
    }

    fn insert(
        &self,
        number: Option<i64>,
        product: &Product,
        hit: &Hit,
    ) -> Result<(), DatabaseError> {
        let number = self.insert_product(number, product, hit)?;
        let words = json(&product.words())?;
        self.database.run(
            "INSERT INTO details (number, hit, words) VALUES (?1, ?2, ?3)",
            &[number.into(), json(hit)?.into(), words.clone().into()],
        )?;
        self.database.run(
            "INSERT INTO texts (rowid, title, brand, tags, description)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                number.into(),
                product.title.as_str().into(),
                product.brand.as_str().into(),
                product.all_tags().into(),
                product.description.as_str().into(),
            ],
        )?;
        self.database.run(
            "INSERT INTO words (word, products, named) SELECT key, 1, value FROM json_each(?1)
             WHERE true ON CONFLICT (word) DO UPDATE
             SET products = products + 1, named = named + excluded.named",
            &[words.into()],
        )?;
        let skus = product.variants.iter().map(|variant| &variant.sku);
        self.database.run(
            "INSERT OR IGNORE INTO variants (sku, number) SELECT value, ?1 FROM json_each(?2)",
            &[number.into(), json(&skus.collect::<Vec<_>>())?.into()],
        )?;
        // What the warehouse has said is newer than what it begins with.
        self.database.run(
            "INSERT OR IGNORE INTO stock (sku, available) SELECT key, value FROM json_each(?1)",
            &[json(&product.first_stock)?.into()],
        )?;
        self.judge("SELECT ?1", number.into())
    }

    fn insert_product(
        &self,
        number: Option<i64>,
        product: &Product,
        hit: &Hit,
    ) -> Result<i64, DatabaseError> {
        let rows = self.database.run(
            "INSERT INTO products (
                number, id, version, title_key, category, category_title, price_minor, price_step
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING number",
            &[
                number.into(),
                product.id.as_str().into(),
                integer(product.version).into(),
                product.title.to_lowercase().into(),
                product.category.as_str().into(),
                product.category_title().into(),
                integer(hit.price_minor).into(),
                integer(prices::step(hit.price_minor)).into(),
            ],
        )?;
        Ok(rows.first().map_or(0, |row| row.integer(0)))
    }

    /// Writes down of some products whether there is anything of them to buy.
    fn judge(&self, numbers: &str, parameter: Value) -> Result<(), DatabaseError> {
        let statement = format!(
            "UPDATE products SET is_available = EXISTS (
                SELECT 1 FROM variants JOIN stock USING (sku)
                WHERE variants.number = products.number AND available > 0
             ) WHERE number IN ({numbers})"
        );
        self.database.run(&statement, &[parameter]).map(drop)
    }
}

/// SQLite's integers have a sign.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> Result<String, DatabaseError> {
    to_string(value).map_err(|error| DatabaseError::Failed(error.to_string()))
}

#[cfg(test)]
mod tests;
