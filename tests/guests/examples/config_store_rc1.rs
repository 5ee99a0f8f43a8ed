//! `wasi:config/store@0.2.0-rc.1`: answers with the value of `?name=`, or with all names and
//! values.

use kumiki_guests::bindings::config_rc1::wasi::config::store::{Error, get, get_all};
use kumiki_guests::incoming::{Answer, Request};

kumiki_guests::guest!(handle);

fn handle(request: Request) -> Answer {
    look_up(request.query.get("name")).into()
}

fn look_up(name: Option<&str>) -> Result<String, Error> {
    Ok(match name {
        Some(name) => get(name)?.unwrap_or_else(|| "(none)".into()),
        None => {
            let mut lines: Vec<String> = get_all()?
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            lines.sort();
            lines.join("\n")
        }
    })
}
