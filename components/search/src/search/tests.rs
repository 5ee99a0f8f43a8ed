//! Searches of a small catalogue in a real SQLite.

use proptest::prelude::{ProptestConfig, any, proptest};

use super::Found;
use crate::index::Index;
use crate::query::{Cursor, Query, Sort};
use crate::suggestions::suggest;
use crate::testing::{database, described, goods, product};

fn search(query: &Query) -> Found {
    let database = database(&goods());
    Index::open(&database).unwrap().search(query).unwrap()
}

fn ids(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.product.as_str()).collect()
}

fn found(text: &str) -> Vec<String> {
    let found = search(&Query::new(text));
    assert_eq!(found.total, found.hits.len() as u64);
    ids(&found).into_iter().map(str::to_owned).collect()
}

#[test]
fn titles_weigh_more_than_descriptions() {
    let found = found("laptop");
    assert_eq!(
        (found.len(), found.last().map(String::as_str)),
        (3, Some("bag"))
    );
}

#[test]
fn a_title_ends_with_what_the_thing_is() {
    let database = database(&[
        product("stand", "Laptop Stand", "computers", 100),
        product("swift", "Swift Light Small Laptop", "computers", 100),
        product("lamp", "Lamp", "computers", 100),
    ]);
    let found = Index::open(&database)
        .unwrap()
        .search(&Query::new("LAPTOP"));
    assert_eq!(ids(&found.unwrap()), ["swift", "stand"]);
}

#[test]
fn all_words_must_be_there_and_the_last_may_go_on() {
    assert_eq!(found("laptop gam"), ["tower"]);
    // No product has both as they stand.
    assert_eq!(found("tow laptop").len(), 3);
    assert_eq!(found("l").len(), 4);
}

#[test]
fn case_accents_and_punctuation_make_no_difference() {
    for text in [
        "CAFE",
        "café",
        "cafe\u{301}",
        "  (café)  ",
        "\"cafe",
        "cafe*",
    ] {
        assert_eq!(found(text), ["cafe"], "{text}");
    }
}

#[test]
fn brands_tags_and_categories_are_searched() {
    assert_eq!(found("norrland lamp"), ["lamp"]);
    assert_eq!(found("home office"), ["lamp"]);
    assert_eq!(found("new").len(), 6);
}

#[test]
fn a_mistyped_word_is_corrected() {
    for (text, corrected, ids) in [
        ("lpatop gaming", Some("laptop gaming"), vec!["tower"]),
        (
            "mechancial keybord",
            Some("mechanical keyboard"),
            vec!["keys"],
        ),
        ("lamp desq", Some("lamp desk"), vec!["lamp"]),
        // A short word has too many neighbours, and these are not near enough.
        ("cut", None, vec![]),
        ("lexitop", None, vec![]),
        // It is known, only not together with the other one.
        ("mechanical cup", None, vec!["keys", "cafe"]),
        ("desk towar", Some("desk tower"), vec!["lamp", "tower"]),
        (
            "",
            None,
            vec!["cafe", "lamp", "tower", "keys", "bag", "swift"],
        ),
    ] {
        let found = search(&Query::new(text));
        assert_eq!(found.corrected.as_deref(), corrected, "{text}");
        assert_eq!(super::tests::ids(&found), ids, "{text}");
    }
}

#[test]
fn of_words_equally_near_the_most_frequent_is_meant() {
    let mut goods = goods();
    goods.push(product("laptap", "Laptap", "toys", 100));
    let database = database(&goods);
    let found = Index::open(&database)
        .unwrap()
        .search(&Query::new("laptqp"));
    assert_eq!(found.unwrap().corrected.as_deref(), Some("laptop"));
}

#[test]
fn filters_leave_what_they_name_and_correct_nothing() {
    let laptop = || Query::new("laptop");
    let of_category = Query {
        category: Some("clothing".to_owned()),
        ..laptop()
    };
    assert_eq!(ids(&search(&of_category)), ["bag"]);
    let of_price = Query {
        price_min: Some(5_900),
        price_max: Some(129_900),
        ..laptop()
    };
    assert_eq!(ids(&search(&of_price)), ["swift", "bag"]);
    let sold_out = Query {
        in_stock: Some(false),
        ..laptop()
    };
    assert_eq!(ids(&search(&sold_out)), ["bag"]);
    let nothing = search(&Query {
        category: Some("toys".to_owned()),
        ..laptop()
    });
    assert_eq!((nothing.total, nothing.corrected), (0, None));
    assert_eq!(nothing.facets.category.len(), 2);
}

#[test]
fn each_facet_is_counted_with_the_other_filters() {
    let found = search(&Query {
        category: Some("computers".to_owned()),
        price_min: Some(10_000),
        in_stock: Some(true),
        ..Query::new("")
    });
    let value = serde_json::to_value(&found.facets).unwrap();
    let expected = serde_json::json!({
        "category": [{ "value": "computers", "title": "Computers", "count": 2 }],
        "price": [
            { "from_minor": 100_000, "to_minor": 149_999, "count": 1 },
            { "from_minor": 200_000, "to_minor": 299_999, "count": 1 }
        ],
        "in_stock": { "yes": 2, "no": 0 }
    });
    assert_eq!((value, found.total), (expected, 2));
    let all = search(&Query::new("")).facets;
    let categories: Vec<(&str, u64)> = all
        .category
        .iter()
        .map(|category| (category.title.as_str(), category.count))
        .collect();
    let expected = [
        ("Computers", 3),
        ("Clothing", 1),
        ("Home office", 1),
        ("Kitchen", 1),
    ];
    assert_eq!(categories, expected);
    assert_eq!((all.in_stock.yes, all.in_stock.no), (3, 3));
}

#[test]
fn hits_show_what_a_page_needs() {
    let found = search(&Query::new("swift"));
    let value = serde_json::to_value(&found.hits).unwrap();
    let expected = serde_json::json!([{
        "product": "swift", "title": "Swift 14 Laptop", "brand": "Norrland",
        "category": "computers", "price_minor": 129_900, "price_max_minor": 129_900,
        "currency": "EUR", "in_stock": true, "picture_url": "/api/catalog/pictures/swift.svg"
    }]);
    assert_eq!(value, expected);
}

#[test]
fn pages_follow_each_other_in_every_order() {
    let products: Vec<_> = (0..25)
        .map(|number| {
            // Many of the same price and title: the order must be whole all the same.
            let title = format!("Thing {}", number % 4);
            let thing = product(&format!("p{number}"), &title, "toys", 100 * (number % 3));
            described(thing, if number % 2 == 0 { "thing thing" } else { "" })
        })
        .collect();
    let database = database(&products);
    let index = Index::open(&database).unwrap();
    for sort in [
        Sort::Relevance,
        Sort::Price,
        Sort::PriceDescending,
        Sort::Title,
    ] {
        for text in ["", "thing"] {
            let whole = index
                .search(&Query {
                    sort,
                    limit: 100,
                    ..Query::new(text)
                })
                .unwrap();
            assert_eq!((whole.hits.len(), &whole.next), (25, &None));
            let mut parts = Vec::new();
            let mut after = None;
            loop {
                let query = Query {
                    sort,
                    limit: 4,
                    after,
                    ..Query::new(text)
                };
                let page = index.search(&query).unwrap();
                assert_eq!((page.total, &page.facets), (25, &whole.facets));
                parts.extend(page.hits);
                after = page.next.map(|next| Cursor::read(&next).unwrap());
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(parts, whole.hits, "{sort:?} {text:?}");
        }
    }
}

#[test]
fn prices_and_titles_are_in_order() {
    let sorted = |sort| {
        let found = search(&Query {
            sort,
            ..Query::new("laptop")
        });
        ids(&found).join(" ")
    };
    assert_eq!(sorted(Sort::Price), "bag swift tower");
    assert_eq!(sorted(Sort::PriceDescending), "tower swift bag");
    assert_eq!(sorted(Sort::Title), "tower bag swift");
}

#[test]
fn suggestions_go_on_with_what_there_is() {
    let database = database(&goods());
    let index = Index::open(&database).unwrap();
    for (text, expected) in [
        ("la", vec!["laptop", "lamp"]),
        ("LAP", vec!["laptop"]),
        ("gaming la", vec!["gaming laptop"]),
        ("quie", vec![]),
        ("c", vec!["computers", "café", "clothing", "cup"]),
        ("", vec![]),
        ("\"", vec![]),
    ] {
        assert_eq!(suggest(&index, text).unwrap(), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_text_makes_a_search_fail(texts in proptest::collection::vec(any::<String>(), 24)) {
        let database = database(&goods());
        let index = Index::open(&database).unwrap();
        for text in texts {
            let found = index.search(&Query::new(&text)).unwrap();
            assert_eq!(found.total, found.hits.len() as u64);
            suggest(&index, &text).unwrap();
        }
    }

    #[test]
    fn no_syntax_makes_a_search_fail(texts in proptest::collection::vec(
        "([\"'*^(){}:+,-]|AND|OR|NOT|NEAR|lap| |title|\u{0}|\u{301}|𞤀|;--){0,12}", 24
    )) {
        let database = database(&goods());
        let index = Index::open(&database).unwrap();
        for text in texts {
            index.search(&Query::new(&text)).unwrap();
            suggest(&index, &text).unwrap();
        }
    }
}
