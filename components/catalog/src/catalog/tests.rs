//! The catalog over a store in memory, with other writers let in between its steps.

use super::{Catalog, CatalogError, Condition, Page, Written, tag};
use crate::backend::memory::Memory;
use crate::backend::{Backend, BackendError};
use crate::product::{ID_MAX, Id, Product};

fn id(number: u64) -> Id {
    Id::new(number).unwrap()
}

fn product(name: &str, price: u64) -> Product {
    Product {
        name: name.to_owned(),
        price,
    }
}

fn ids(page: &Page) -> Vec<u64> {
    page.products.iter().map(|(id, _)| id.number()).collect()
}

/// Runs `interruption` just before the next swap of the key is decided.
fn interrupt(memory: &Memory, key: &str, interruption: impl FnOnce(&Memory) + 'static) {
    *memory.before_swap.borrow_mut() = Some((key.to_owned(), Box::new(interruption)));
}

#[test]
fn an_empty_store_has_the_first_products() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    assert_eq!(catalog.get(id(101)), Ok(product("Laptop", 1200)));
    assert_eq!(catalog.get(id(102)), Ok(product("Mouse", 25)));
    assert_eq!(catalog.get(id(103)), Err(CatalogError::NotFound));
    let memory = Memory::default();
    let page = Catalog::new(&memory).list(None, 50).unwrap();
    assert_eq!((ids(&page), page.next), (vec![101, 102], None));
}

#[test]
fn a_deleted_first_product_does_not_come_back() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    assert_eq!(catalog.delete(id(101)), Ok(()));
    assert_eq!(catalog.delete(id(101)), Err(CatalogError::NotFound));
    assert_eq!(catalog.get(id(101)), Err(CatalogError::NotFound));
    assert_eq!(ids(&catalog.list(None, 50).unwrap()), [102]);
    assert_eq!(catalog.create(id(101), &product("Desk", 3)), Ok(()));
    assert_eq!(catalog.get(id(101)), Ok(product("Desk", 3)));
}

#[test]
fn a_late_loader_does_not_bring_a_deleted_product_back() {
    for late_key in ["product/101", "product/102"] {
        let memory = Memory::default();
        // The first caller has read the key as absent; the second loads everything and deletes.
        interrupt(&memory, late_key, |memory| {
            let other = Catalog::new(memory);
            assert_eq!(other.delete(id(101)), Ok(()));
            assert_eq!(other.delete(id(102)), Ok(()));
        });
        let catalog = Catalog::new(&memory);
        assert_eq!(
            catalog.get(id(101)),
            Err(CatalogError::NotFound),
            "{late_key}"
        );
        assert_eq!(
            catalog.get(id(102)),
            Err(CatalogError::NotFound),
            "{late_key}"
        );
    }
}

#[test]
fn a_loader_that_died_half_way_is_finished_by_the_next() {
    let memory = Memory::default();
    memory
        .set("product/101", &product("Laptop", 1200).to_json())
        .unwrap();
    assert_eq!(Catalog::new(&memory).get(id(102)), Ok(product("Mouse", 25)));
}

#[test]
fn a_store_with_products_is_not_given_the_first_ones() {
    let memory = Memory::default();
    memory
        .set("product/5", &product("Pen", 1).to_json())
        .unwrap();
    let catalog = Catalog::new(&memory);
    assert_eq!(ids(&catalog.list(None, 50).unwrap()), [5]);
    catalog.delete(id(5)).unwrap();
    assert_eq!(ids(&catalog.list(None, 50).unwrap()), [0; 0]);
}

#[test]
fn pages_follow_each_other_by_ascending_id() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    for number in [9, 10, 1, 1000, ID_MAX] {
        catalog.create(id(number), &product("Pen", number)).unwrap();
    }
    catalog.delete(id(101)).unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = catalog.list(after, 2).unwrap();
        assert!(page.products.len() == 2 || page.next.is_none());
        seen.extend(ids(&page));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [1, 9, 10, 102, 1000, ID_MAX]);
    assert_eq!(ids(&catalog.list(Some(id(ID_MAX)), 2).unwrap()), [0; 0]);
}

#[test]
fn a_page_has_at_most_two_hundred_products() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    for number in 1000..1250 {
        catalog.create(id(number), &product("Pen", 1)).unwrap();
    }
    let page = catalog.list(None, 100_000).unwrap();
    assert_eq!((page.products.len(), page.next), (200, Some(id(1197))));
}

#[test]
fn new_ids_follow_the_first_products_and_are_not_given_twice() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    let pen = product("Pen", 1);
    assert_eq!(catalog.create_next(&pen), Ok(id(103)));
    catalog.delete(id(103)).unwrap();
    assert_eq!(catalog.create_next(&pen), Ok(id(104)));
}

#[test]
fn new_ids_pass_over_those_that_clients_chose() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    let pen = product("Pen", 1);
    for number in (103..603).chain([604]) {
        catalog.create(id(number), &pen).unwrap();
    }
    assert_eq!(catalog.create_next(&pen), Ok(id(603)));
    assert_eq!(catalog.create_next(&pen), Ok(id(605)));
    catalog.create(id(ID_MAX), &pen).unwrap();
    assert_eq!(catalog.create_next(&pen), Ok(id(606)));
}

#[test]
fn a_counter_at_its_end_is_an_error() {
    let memory = Memory::default();
    memory.set("next-id", b"9007199254740991").unwrap();
    let result = Catalog::new(&memory).create_next(&product("Pen", 1));
    assert_eq!(result, Err(CatalogError::NoFreeId));
}

#[test]
fn of_two_creators_one_is_told_that_the_product_exists() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    catalog.load_seed().unwrap();
    interrupt(&memory, "product/7", |memory| {
        assert_eq!(
            Catalog::new(memory).create(id(7), &product("First", 1)),
            Ok(())
        );
    });
    let result = catalog.create(id(7), &product("Second", 2));
    assert_eq!(result, Err(CatalogError::Exists(id(7))));
    assert_eq!(catalog.get(id(7)), Ok(product("First", 1)));
}

#[test]
fn a_condition_is_judged_on_what_is_replaced() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    let old = product("Laptop", 1200);
    let current = Condition::OneOf(vec![tag(b"other"), tag(&old.to_json())]);
    let put = |condition: &Condition| catalog.put(id(101), &product("Laptop", 1300), condition);
    assert_eq!(put(&Condition::Absent), Err(CatalogError::ConditionFailed));
    assert_eq!(put(&current), Ok(Written::Replaced));
    assert_eq!(put(&current), Err(CatalogError::ConditionFailed));
    assert_eq!(put(&Condition::Present), Ok(Written::Replaced));
    assert_eq!(put(&Condition::None), Ok(Written::Replaced));
    let new = catalog.put(id(9), &old, &Condition::Present);
    assert_eq!(new, Err(CatalogError::ConditionFailed));
    assert_eq!(
        catalog.put(id(9), &old, &Condition::None),
        Ok(Written::Created)
    );

    interrupt(&memory, "product/9", move |memory| {
        let other = product("Laptop", 5);
        Catalog::new(memory)
            .put(id(9), &other, &Condition::None)
            .unwrap();
    });
    let tags = Condition::OneOf(vec![tag(&old.to_json())]);
    let overtaken = catalog.put(id(9), &product("Laptop", 6), &tags);
    assert_eq!(overtaken, Err(CatalogError::ConditionFailed));
    assert_eq!(catalog.get(id(9)), Ok(product("Laptop", 5)));
}

#[test]
fn what_is_not_a_product_is_an_error() {
    let memory = Memory::default();
    let catalog = Catalog::new(&memory);
    memory.set("product/5", b"{}").unwrap();
    assert_eq!(catalog.get(id(5)), Err(CatalogError::Damaged(id(5))));
    assert_eq!(catalog.list(None, 5), Err(CatalogError::Damaged(id(5))));
}

#[test]
fn a_failing_store_is_reported() {
    let memory = Memory::default();
    let failure = BackendError::Failed("disk full".to_owned());
    *memory.failure.borrow_mut() = Some(failure.clone());
    let catalog = Catalog::new(&memory);
    let expected = CatalogError::Store(failure);
    assert_eq!(catalog.get(id(101)), Err(expected.clone()));
    assert_eq!(catalog.list(None, 1), Err(expected.clone()));
    assert_eq!(catalog.delete(id(101)), Err(expected.clone()));
    assert_eq!(catalog.create_next(&product("Pen", 1)), Err(expected));
}
