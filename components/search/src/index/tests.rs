//! Events in every order, against a real SQLite.

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert_eq, proptest};

use super::Index;
use crate::database::{Database, DatabaseError, Row, Value};
use crate::native::NativeDatabase;
use crate::product::{Level, Product, Removal};
use crate::query::Query;
use crate::testing::{database, goods, level, product};

fn removal(id: &str, version: Option<u64>) -> Removal {
    Removal {
        id: id.to_owned(),
        version,
    }
}

fn titles(index: &Index<'_>) -> Vec<String> {
    let found = index.search(&Query::new("")).unwrap();
    found.hits.into_iter().map(|hit| hit.title).collect()
}

fn in_stock(index: &Index<'_>, id: &str) -> bool {
    let found = index.search(&Query::new("")).unwrap();
    let hit = found.hits.into_iter().find(|hit| hit.product == id);
    hit.unwrap().in_stock
}

/// All that is in the ordinary tables, so that two indexes can be compared.
fn contents(database: &NativeDatabase) -> Vec<Row> {
    let tables = [
        "id, version, title_key, price_minor, is_available FROM products",
        "word, products, named FROM words",
        "sku, id FROM variants JOIN products USING (number)",
        "sku, available FROM stock",
        "id, version FROM removed",
    ];
    let rows = tables.map(|table| {
        let statement = format!("SELECT {table} ORDER BY 1, 2");
        database.run(&statement, &[]).unwrap()
    });
    rows.into_iter().flatten().collect()
}

#[test]
fn a_change_replaces_everything_of_the_product() {
    let database = database(&[product("lamp", "Old Lamp", "toys", 100)]);
    let index = Index::open(&database).unwrap();
    let changed = Product {
        version: 2,
        ..product("lamp", "New Light", "toys", 100)
    };
    index.put(&changed).unwrap();
    assert_eq!(titles(&index), ["New Light"]);
    assert_eq!(index.search(&Query::new("old")).unwrap().total, 0);
    let fresh = crate::testing::database(&[changed]);
    assert_eq!(contents(&database), contents(&fresh));
}

#[test]
fn what_is_older_or_comes_again_changes_nothing() {
    let database = database(&[]);
    let index = Index::open(&database).unwrap();
    let version = |version, title| Product {
        version,
        ..product("lamp", title, "toys", 100)
    };
    for (change, expected) in [
        (version(2, "Second"), "Second"),
        (version(1, "First"), "Second"),
        (version(2, "Second again"), "Second"),
        (version(3, "Third"), "Third"),
    ] {
        index.put(&change).unwrap();
        assert_eq!(titles(&index), [expected]);
    }
}

#[test]
fn a_removed_product_stays_away_until_it_is_made_anew() {
    let database = database(&[]);
    let index = Index::open(&database).unwrap();
    let version = |version| Product {
        version,
        ..product("lamp", "Lamp", "toys", 100)
    };
    index.put(&version(2)).unwrap();
    index.remove(&removal("lamp", Some(3))).unwrap();
    assert_eq!(titles(&index), [""; 0]);
    // A change that comes late, and the removal once more.
    index.put(&version(2)).unwrap();
    index.remove(&removal("lamp", Some(3))).unwrap();
    assert_eq!(titles(&index), [""; 0]);
    index.put(&version(4)).unwrap();
    assert_eq!(titles(&index), ["Lamp"]);
    // The removal comes late.
    index.remove(&removal("lamp", Some(3))).unwrap();
    assert_eq!(titles(&index), ["Lamp"]);
    // One that names no version is believed, and forgotten.
    index.remove(&removal("lamp", None)).unwrap();
    index.remove(&removal("lamp", None)).unwrap();
    assert_eq!(titles(&index), [""; 0]);
    index.put(&version(1)).unwrap();
    assert_eq!(titles(&index), ["Lamp"]);
}

#[test]
fn a_product_without_variants_is_not_shown() {
    let database = database(&[product("lamp", "Lamp", "toys", 100)]);
    let index = Index::open(&database).unwrap();
    let nothing = Product {
        version: 2,
        variants: Vec::new(),
        ..product("lamp", "Lamp", "toys", 100)
    };
    index.put(&nothing).unwrap();
    assert_eq!(titles(&index), [""; 0]);
}

#[test]
fn stock_may_come_before_its_product_and_outlives_changes() {
    let database = database(&[]);
    let index = Index::open(&database).unwrap();
    index.set_stock(&level("LAMP", 3)).unwrap();
    let lamp = Product {
        // Older than what the warehouse has said.
        first_stock: [("LAMP".to_owned(), 0)].into(),
        ..product("lamp", "Lamp", "toys", 100)
    };
    index.put(&lamp).unwrap();
    assert!(in_stock(&index, "lamp"));
    index.set_stock(&level("LAMP", 0)).unwrap();
    assert!(!in_stock(&index, "lamp"));
    index.set_stock(&level("LAMP", 1)).unwrap();
    index.put(&Product { version: 2, ..lamp }).unwrap();
    assert!(in_stock(&index, "lamp"));
}

#[test]
fn a_product_is_in_stock_as_long_as_one_of_its_variants_is() {
    let mut lamp = product("lamp", "Lamp", "toys", 100);
    let other = crate::product::Variant {
        sku: "LAMP-2".to_owned(),
        price_minor: 200,
    };
    lamp.variants.push(other);
    let database = database(&[lamp]);
    let index = Index::open(&database).unwrap();
    for (sku, available, expected) in [
        ("LAMP", 1, true),
        ("LAMP-2", 1, true),
        ("LAMP", 0, true),
        ("LAMP-2", 0, false),
        ("OTHER", 9, false),
    ] {
        index.set_stock(&level(sku, available)).unwrap();
        assert_eq!(in_stock(&index, "lamp"), expected, "{sku} {available}");
    }
}

/// A database in which one statement fails.
struct Failing<'d> {
    database: &'d NativeDatabase,
    statement: &'static str,
}

impl Database for Failing<'_> {
    fn run(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        match statement.contains(self.statement) {
            true => Err(DatabaseError::Full),
            false => self.database.run(statement, parameters),
        }
    }
}

#[test]
fn a_change_that_fails_halfway_leaves_nothing_behind() {
    let database = database(&goods());
    let before = contents(&database);
    for statement in ["INSERT INTO texts", "UPDATE products", "COMMIT"] {
        let failing = Failing {
            database: &database,
            statement,
        };
        let index = Index::open(&failing).unwrap();
        let lamp = Product {
            version: 2,
            ..product("lamp", "Other", "toys", 1)
        };
        assert_eq!(index.put(&lamp), Err(DatabaseError::Full), "{statement}");
        assert_eq!(contents(&database), before, "{statement}");
    }
    let index = Index::open(&database).unwrap();
    assert_eq!(index.search(&Query::new("desk lamp")).unwrap().total, 1);
}

#[derive(Clone, Debug)]
enum Event {
    Changed(Box<Product>),
    Removed(Removal),
    Stock(Level),
}

fn apply(index: &Index<'_>, event: &Event) {
    match event {
        Event::Changed(product) => index.put(product),
        Event::Removed(removal) => index.remove(removal),
        Event::Stock(level) => index.set_stock(level),
    }
    .unwrap();
}

/// The life of one product: each version says something else, the last may be its end.
fn life(id: &'static str) -> impl Strategy<Value = Vec<Event>> {
    (1..5u64, prop::bool::ANY).prop_map(move |(versions, ends)| {
        let mut events: Vec<Event> = (1..=versions)
            .map(|version| {
                let title = format!("{id} number {version}");
                let mut product = product(id, &title, "toys", 100 * version);
                product.version = version;
                Event::Changed(Box::new(product))
            })
            .collect();
        if ends {
            events.push(Event::Removed(removal(id, Some(versions + 1))));
        }
        events.push(Event::Stock(level(&id.to_uppercase(), 1)));
        events
    })
}

fn lives() -> impl Strategy<Value = (Vec<Event>, Vec<Event>)> {
    let all = (life("lamp"), life("chair")).prop_map(|(one, other)| [one, other].concat());
    all.prop_flat_map(|events| {
        let twice = [events.clone(), events.clone()].concat();
        (Just(events), Just(twice).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn events_twice_and_in_any_order_make_the_same_index((ordered, shuffled) in lives()) {
        let made = |events: &[Event]| {
            let database = database(&[]);
            let index = Index::open(&database).unwrap();
            for event in events {
                apply(&index, event);
            }
            database
        };
        let (expected, other) = (made(&ordered), made(&shuffled));
        prop_assert_eq!(contents(&expected), contents(&other));
        let numbers = [&expected, &other].map(|database| {
            let found = Index::open(database).unwrap().search(&Query::new("number")).unwrap();
            (found.total, titles(&Index::open(database).unwrap()))
        });
        prop_assert_eq!(&numbers[0], &numbers[1]);
    }
}
