//! stub
use crate::assortment::item::{Category, Item};
use std::collections::BTreeMap;
/// x
pub struct FirstGoods {
    pub categories: Vec<Category>,
    pub products: Vec<(Item, BTreeMap<String, u32>)>,
}
/// x
pub fn first_goods() -> Result<FirstGoods, String> {
    Ok(FirstGoods {
        categories: vec![
            Category {
                slug: "computers".into(),
                title: "Computers".into(),
                description: "x".into(),
            },
            Category {
                slug: "paper".into(),
                title: "Paper".into(),
                description: "x".into(),
            },
        ],
        products: (0..12)
            .map(|n| {
                (
                    Item {
                        id: format!("item-{n}"),
                        title: format!("Item {n}"),
                        brand: "B".into(),
                        category: if n % 2 == 0 { "computers" } else { "paper" }.into(),
                        description: "d".into(),
                        tags: vec![],
                        variants: vec![crate::assortment::item::Variant {
                            sku: format!("SKU{n}"),
                            label: String::new(),
                            price_minor: 100 * (n + 1),
                            weight_g: 100,
                        }],
                        picture: crate::picture::Picture {
                            kind: "laptop".into(),
                            color: "#112233".into(),
                            accent: "#445566".into(),
                            variant: 0,
                        },
                        version: 1,
                        is_removed: false,
                    },
                    BTreeMap::from([(format!("SKU{n}"), 10)]),
                )
            })
            .collect(),
    })
}
