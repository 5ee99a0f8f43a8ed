//! The glue: the exported HTTP handler and contract, in generated types. Every rule is left to the
//! other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/store/warehouse", "wit"],
        world: "store:warehouse-service/service",
        generate_all,
    });

    export!(Component with_types_in self);
    wasip2::http::proxy::export!(Component with_types_in wasip2);

    use super::Component;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use kit::store::StoreError;
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use self::bindings::exports::store::warehouse::stock;
use crate::service::Warehouse;
use crate::stock::reservation::ReserveError;
use crate::stock::{LINES_MAX, Level, Line, Stock};

/// The label that belongs to this service.
const STORE_LABEL: &str = "warehouse";

struct Component;

impl incoming_handler::Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let host = Box::new(ComponentHost::new(STORE_LABEL));
        handle(
            &Warehouse::new(host, Box::new(LinkedIdentity)),
            &request,
            out,
        );
    }
}

impl stock::Guest for Component {
    fn get_levels(skus: Vec<String>) -> Result<Vec<stock::Level>, stock::Error> {
        if skus.len() > LINES_MAX {
            let text = format!("at most {LINES_MAX} SKUs, not {}", skus.len());
            return Err(stock::Error::Invalid(text));
        }
        let host = ComponentHost::new(STORE_LABEL);
        let levels = Stock::new(&host).levels(&skus)?;
        Ok(levels.into_iter().map(Into::into).collect())
    }

    fn reserve(reservation: String, lines: Vec<stock::Line>) -> Result<(), stock::Error> {
        let lines = lines.into_iter().map(|line| Line {
            sku: line.sku,
            quantity: line.quantity,
        });
        let lines: Vec<Line> = lines.collect();
        let host = ComponentHost::new(STORE_LABEL);
        Ok(Stock::new(&host).reserve(&reservation, &lines)?)
    }
}

impl From<Level> for stock::Level {
    fn from(level: Level) -> stock::Level {
        stock::Level {
            sku: level.sku,
            available: level.available,
        }
    }
}

impl From<ReserveError> for stock::Error {
    fn from(error: ReserveError) -> stock::Error {
        match error {
            ReserveError::OutOfStock(levels) => {
                stock::Error::OutOfStock(levels.into_iter().map(Into::into).collect())
            }
            ReserveError::Invalid(text) => stock::Error::Invalid(text),
            ReserveError::Crowded(sku) => {
                stock::Error::Unavailable(format!("{sku} has too many reservations"))
            }
            ReserveError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for stock::Error {
    fn from(error: StoreError) -> stock::Error {
        eprintln!("the store `{STORE_LABEL}`: {error:?}");
        match error {
            StoreError::Failed(_) | StoreError::Contended(_) => {
                stock::Error::Unavailable("the store is busy".to_owned())
            }
            StoreError::Refused(_) | StoreError::Damaged(_) => {
                stock::Error::Other("the store cannot be used".to_owned())
            }
        }
    }
}
