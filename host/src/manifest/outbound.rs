//! `allowed_http_hosts`, the deprecated list of hosts, rewritten as `allowed_outbound_hosts`, which
//! replaced it. Only the old syntax is checked here.

use super::names;
use super::reader::Field;

/// The entry that allowed every host.
const ALL: &str = "insecure:allow-all";

/// Reads the deprecated list and answers what to write in its place, as Spin understands it.
pub(super) fn read_deprecated(field: &Field<'_>) -> Vec<String> {
    let entries = field.strings();
    let mut hosts = Vec::new();
    if entries.iter().any(|(_, entry)| *entry == ALL) {
        hosts.extend(["http://*:*", "https://*:*", "http://self"].map(str::to_owned));
    } else {
        for (element, entry) in &entries {
            match convert(entry) {
                Ok(converted) => hosts.extend(converted),
                Err(reason) => element.refuse(reason, "write `host` or `host:port`"),
            }
        }
    }
    if !hosts.is_empty() {
        field.note(
            "`allowed_http_hosts` is deprecated",
            format!("write `allowed_outbound_hosts = {hosts:?}`"),
        );
    }
    hosts
}

fn convert(entry: &str) -> Result<Vec<String>, String> {
    // An address parser takes the `localhost` of `localhost:3000` for a scheme, hence the prefix.
    let schemed = if entry.contains("//") {
        entry.to_owned()
    } else {
        format!("http://{entry}")
    };
    let url =
        url::Url::parse(&schemed).map_err(|error| format!("`{entry}` is no host: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        let allowed = names::listed(["http", "https"]);
        return Err(format!("the scheme of `{entry}` is none of {allowed}"));
    }
    let host = url
        .host_str()
        .ok_or_else(|| format!("`{entry}` names no host"))?;
    if url.path().len() > 1 {
        return Err(format!("`{entry}` has a path"));
    }
    if host == "self" {
        return Ok(vec!["http://self".to_owned()]);
    }
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    Ok(vec![
        format!("http://{host}{port}"),
        format!("https://{host}{port}"),
    ])
}

#[cfg(test)]
mod tests {
    use super::convert;

    #[test]
    fn a_host_becomes_both_its_schemes() {
        let both = ["http://example.com:8080", "https://example.com:8080"];
        assert_eq!(convert("example.com:8080").unwrap(), both);
        assert_eq!(convert("http://example.com:8080/").unwrap(), both);
        assert_eq!(convert("self").unwrap(), ["http://self"]);
        assert_eq!(convert("[::1]").unwrap(), ["http://[::1]", "https://[::1]"]);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for entry in ["example.com/a", "ftp://example.com", "", "a b"] {
            assert!(convert(entry).is_err(), "{entry}");
        }
    }
}
