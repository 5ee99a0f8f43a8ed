//! What the services answer, as far as the pages show it. Members that are not shown are left out,
//! so a service can add some without a change here.

mod goods;
mod orders;
mod people;

pub use goods::{
    Cart, CartLine, Categories, Category, Facets, Hit, Hits, Level, Levels, PriceFacet, Product,
    Products, Recommended, ValueFacet, Variant, Wish, Wishes, YesNo,
};
pub use orders::{Order, OrderLine, Orders, Quote, ShippingOption, Status, Step};
pub use people::{
    Address, Addresses, Channels, Item, Items, Message, Messages, Person, Place, Preferences,
};
