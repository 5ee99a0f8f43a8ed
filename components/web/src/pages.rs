//! The pages, one file for each part of the shop.

pub mod account;
pub mod addresses;
pub mod cart;
pub mod checkout;
pub mod door;
pub mod failure;
pub mod home;
pub mod inbox;
pub mod listing;
pub mod orders;
pub mod product;
pub mod recommended;
pub mod staff;
pub mod wishes;
