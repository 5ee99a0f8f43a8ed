//! What the index consists of in the database. It can always be made anew from the events, so that
//! tables of another version are thrown away and not converted.

use crate::database::{Database, DatabaseError, Row, transact};

/// To be raised with every change below.
const VERSION: i64 = 1;

/// `products` is narrow, because a page of a category looks at every row of it; what is shown of a
/// product lies in `details`. The rows of `texts` have the product's `number`, and no content of
/// their own. `removed` holds the versions at which products ended, against changes that come late.
const CREATE: [&str; 9] = [
    "CREATE TABLE products (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        title_key TEXT NOT NULL,
        category TEXT NOT NULL,
        category_title TEXT NOT NULL,
        price_minor INTEGER NOT NULL,
        price_step INTEGER NOT NULL,
        is_available INTEGER NOT NULL DEFAULT 0
    )",
    "CREATE TABLE details (number INTEGER PRIMARY KEY, hit TEXT NOT NULL, words TEXT NOT NULL)",
    "CREATE TABLE variants (
        sku TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (sku, number)
    ) WITHOUT ROWID",
    "CREATE INDEX variants_of_product ON variants (number)",
    "CREATE TABLE stock (sku TEXT PRIMARY KEY, available INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE removed (id TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID",
    // How many products have a word, and how many of them in more than their description.
    "CREATE TABLE words (
        word TEXT PRIMARY KEY, products INTEGER NOT NULL, named INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE texts USING fts5(
        title, brand, tags, description, content = '', contentless_delete = 1,
        prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 2'
    )",
    "PRAGMA user_version = 1",
];

/// The tables of this version and of all before.
const NAMES: [&str; 7] = [
    "products", "details", "variants", "stock", "removed", "words", "texts",
];

/// Makes the tables where they are missing or of another version. Several may do it at once.
///
/// # Errors
/// When the database fails.
pub fn prepare(database: &dyn Database) -> Result<(), DatabaseError> {
    if version(database)? == VERSION {
        return Ok(());
    }
    transact(database, || match version(database)? {
        VERSION => Ok(()),
        _ => create(database),
    })
}

/// Empties the index.
///
/// # Errors
/// When the database fails.
pub fn clear(database: &dyn Database) -> Result<(), DatabaseError> {
    transact(database, || create(database))
}

fn version(database: &dyn Database) -> Result<i64, DatabaseError> {
    let rows = database.run("PRAGMA user_version", &[])?;
    Ok(rows.first().map_or(0, |row: &Row| row.integer(0)))
}

fn create(database: &dyn Database) -> Result<(), DatabaseError> {
    for name in NAMES {
        database.run(&format!("DROP TABLE IF EXISTS {name}"), &[])?;
    }
    for statement in CREATE {
        database.run(statement, &[])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{clear, prepare, version};
    use crate::database::{Database, Value};
    use crate::native::NativeDatabase;

    fn count(database: &NativeDatabase) -> i64 {
        let rows = database.run("SELECT count(*) FROM stock", &[]).unwrap();
        rows[0].integer(0)
    }

    #[test]
    fn tables_are_made_once_and_anew_for_another_version() {
        let database = NativeDatabase::in_memory().unwrap();
        prepare(&database).unwrap();
        let insert = "INSERT INTO stock VALUES (?1, 1)";
        database.run(insert, &[Value::from("A")]).unwrap();
        prepare(&database).unwrap();
        assert_eq!(count(&database), 1);
        database.run("PRAGMA user_version = 99", &[]).unwrap();
        prepare(&database).unwrap();
        assert_eq!((version(&database).unwrap(), count(&database)), (1, 0));
    }

    #[test]
    fn clearing_leaves_nothing() {
        let database = NativeDatabase::in_memory().unwrap();
        prepare(&database).unwrap();
        database
            .run("INSERT INTO stock VALUES ('A', 1)", &[])
            .unwrap();
        clear(&database).unwrap();
        assert_eq!(count(&database), 0);
    }

    #[test]
    fn several_may_make_them_at_once() {
        let folder = std::env::temp_dir().join(format!("search-tables-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("search.db");
        let several = [(); 4].map(|()| NativeDatabase::open(&path).unwrap());
        std::thread::scope(|scope| {
            for database in several {
                scope.spawn(move || prepare(&database).unwrap());
            }
        });
        let database = NativeDatabase::open(&path).unwrap();
        assert_eq!(count(&database), 0);
        drop(database);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
