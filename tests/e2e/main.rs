//! End-to-end tests: each starts the real host on a port of its own and speaks to it through a
//! socket. One binary, because one links faster than many; a module per topic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code: to panic is how it reports"
)]

mod admin;
mod admin_reach;
mod artifacts;
mod atomic;
mod atomic_events;
mod backlog;
mod backup;
mod browser;
mod catalog;
mod chaining;
mod command_line;
mod compose;
mod conformance;
mod core_modules;
mod crash;
mod crowds;
mod delays;
mod delivery;
mod deploy;
mod deploy_crash;
mod deploy_history;
mod drain;
mod events_cli;
mod files;
mod graph;
mod hostile_clients;
mod hostile_guests;
mod instances;
mod kept_paths;
mod key_value;
mod limits;
mod links;
mod links_limits;
mod logs;
mod memory_budget;
mod outbound_http;
mod publish;
mod redis;
mod request_shape;
mod routing;
mod schedules;
mod sdk_apps;
mod see;
mod sockets;
mod sqlite;
mod state;
mod stops;
mod store_authorization;
mod store_cart;
mod store_catalog;
mod store_checkout;
mod store_fulfilment;
mod store_logistics;
mod store_notifications;
mod store_orders;
mod store_payments;
mod store_portable;
mod store_race;
mod store_recommendations;
mod store_search;
mod store_users;
mod store_warehouse;
mod store_wishlist;
mod streaming;
mod surroundings;
mod tls_http2;
mod tokens;
mod variables;
mod watch;
