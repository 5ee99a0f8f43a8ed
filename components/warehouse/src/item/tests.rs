//! What may happen to an item, and what not.

use super::{HoldState, Item, Pick, PlaceError, Refusal};

const RESERVED: HoldState = HoldState::Reserved { until_ms: 1000 };

fn item() -> Item {
    let mut item = Item::default();
    item.receive("main", 5).unwrap();
    item.receive("north", 3).unwrap();
    item
}

#[test]
fn what_is_held_is_not_available_and_lies_in_few_places() {
    let mut item = item();
    item.take("a", 4, RESERVED).unwrap();
    assert_eq!(item.hold("a").unwrap().parts, [(0, 4)]);
    item.take("b", 4, RESERVED).unwrap();
    assert_eq!(item.hold("b").unwrap().parts, [(1, 3), (0, 1)]);
    assert_eq!((item.available(), item.held()), (0, 8));
    let refusal = Err(Refusal::Short { available: 0 });
    assert_eq!(item.take("c", 1, RESERVED), refusal);
    // The same id again takes the place of what it held.
    item.take("b", 2, RESERVED).unwrap();
    assert_eq!((item.available(), item.held()), (2, 6));
}

#[test]
fn a_reservation_ends_by_itself_and_an_order_does_not() {
    let mut item = item();
    item.take("a", 1, RESERVED).unwrap();
    item.take("b", 1, RESERVED).unwrap();
    assert!(item.confirm("b"));
    assert!(!item.confirm("c"));
    assert!(!item.has_ended_holds(999));
    assert!(item.has_ended_holds(1000));
    let item = item.at(1000);
    assert!(item.hold("a").is_none());
    assert_eq!((item.available(), item.held()), (7, 1));
}

#[test]
fn picking_and_putting_back_are_done_once() {
    let mut item = item();
    item.take("a", 6, HoldState::Confirmed).unwrap();
    let parts = item.hold("a").unwrap().parts.clone();
    assert_eq!(item.pick("a"), Pick::Done);
    assert_eq!(item.pick("a"), Pick::NotHeld);
    assert_eq!((item.available(), item.held(), item.sold()), (2, 0, 6));
    item.put_back("a", &parts);
    item.put_back("a", &parts);
    assert_eq!(item.pick("a"), Pick::NotHeld);
    assert_eq!((item.available(), item.held(), item.sold()), (2, 6, 0));
    item.let_go("a");
    assert_eq!(item.available(), 8);
}

#[test]
fn a_count_below_what_is_held_leaves_nothing_to_sell() {
    let mut item = item();
    item.take("a", 5, HoldState::Confirmed).unwrap();
    item.count("main", 2).unwrap();
    assert_eq!(item.available(), 3);
    assert_eq!(item.pick("a"), Pick::Short);
    item.count("north", 0).unwrap();
    assert_eq!(item.available(), 0);
}

#[test]
fn places_and_quantities_are_bounded() {
    let mut item = Item::default();
    for number in 0..16 {
        item.receive(&format!("place-{number}"), 1_000_000).unwrap();
    }
    assert_eq!(item.receive("more", 1), Err(PlaceError::TooManyPlaces));
    assert_eq!(item.receive("place-3", 1), Err(PlaceError::TooMuch));
    assert_eq!(item.count("place-3", 1_000_001), Err(PlaceError::TooMuch));
    for number in 0..2000 {
        item.take(&number.to_string(), 1, RESERVED).unwrap();
    }
    assert_eq!(item.take("more", 1, RESERVED), Err(Refusal::Crowded));
}

#[test]
fn the_others_are_told_of_a_change_and_of_a_delivery() {
    let mut item = item();
    assert!(item.has_news());
    item.set_announced(0, true);
    item.take("a", 7, RESERVED).unwrap();
    assert!(!item.has_news());
    item.take("b", 1, RESERVED).unwrap();
    assert!(item.has_news());
    item.set_announced(0, false);
    item.let_go("b");
    assert!(item.has_news());
    item.set_announced(0, true);
    item.receive("main", 1).unwrap();
    item.version = 1;
    item.set_announced(0, true);
    assert!(item.has_news());
}

#[test]
fn what_sold_lately_is_restocked() {
    let mut item = item().at(0);
    assert_eq!(item.suggested(), 0);
    item.receive("main", 92).unwrap();
    item.take("a", 80, HoldState::Confirmed).unwrap();
    item.pick("a");
    assert_eq!((item.available(), item.suggested()), (20, 60));
    let fortnight_ms = 14 * 24 * 60 * 60 * 1000;
    assert_eq!(item.clone().at(fortnight_ms).suggested(), 60);
    assert_eq!(item.at(2 * fortnight_ms).suggested(), 0);
}

#[test]
fn a_value_is_short() {
    let mut item = item();
    item.take("0123456789abcdef.1", 2, RESERVED).unwrap();
    let text = serde_json::to_string(&item).unwrap();
    assert_eq!(
        text,
        r#"{"places":[["main",5],["north",3]],"holds":{"0123456789abcdef.1":[1000,[[0,2]]]},"#
            .to_owned()
            + r#""sold":0,"recent":[0,0,0],"announced":null,"version":0}"#
    );
    assert_eq!(serde_json::from_str::<Item>(&text).unwrap(), item);
}
