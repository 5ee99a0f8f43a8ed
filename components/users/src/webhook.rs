//! Where a webhook may lead. Whoever posts to it has grants that a customer must not borrow, so
//! names that only services know are refused; which networks are reached is the manifest's to say.

/// Names of hosts that mean something inside of an engine alone: `ID.spin.internal`, `self`,
/// `self.alt`.
const INNER: [&str; 3] = ["internal", "alt", "self"];

/// # Errors
/// What is wrong with it, to be read after the field's name.
pub fn check(url: &str) -> Result<(), &'static str> {
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(letter);
    if !url.chars().all(is_plain) {
        return Err("must be written in the characters of a URL, without a fragment");
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or("must begin with http:// or https://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let (host, port) = split_port(authority).ok_or("must name a host")?;
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("must have a port from 0 to 65535, or none");
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
    let is_address = host.starts_with('[');
    if host.is_empty() || (!is_address && !host.chars().all(is_name)) {
        return Err("must name a host, without a user or a password");
    }
    let last = host.trim_end_matches('.').rsplit('.').next();
    let last = last.unwrap_or_default().to_ascii_lowercase();
    match last.is_empty() || INNER.contains(&last.as_str()) {
        true => Err("must name a host that is reached from everywhere"),
        false => Ok(()),
    }
}

/// Host and port; a host in brackets is an IPv6 address.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let host = authority.get(..address.len() + 2)?;
        return match port {
            "" => Some((host, None)),
            port => Some((host, Some(port.strip_prefix(':')?))),
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::check;

    #[test]
    fn webhooks_lead_to_hosts_that_everybody_knows() {
        for good in [
            "https://example.com/hooks/1?token=a%20b",
            "http://127.0.0.1:8080",
            "http://[::1]:8080/x",
            "https://EXAMPLE.com?x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "ftp://example.com",
            "HTTPS:example.com",
            "javascript:alert(1)",
            "http://",
            "http:///path",
            "http://user:password@example.com/",
            "http://example.com:99999/",
            "http://[::1",
            "http://[x]/",
            "http://exa mple.com/",
            "http://example.com/a\nb",
            "http://ex%61mple.com/",
            "http://events.spin.internal/order.placed",
            "http://Events.Spin.INTERNAL./order.placed",
            "http://events.spin.internal:80/order.placed",
            "http://self/products",
            "http://self.alt/products",
            "http://./",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_checked_without_a_panic(text in any::<String>()) {
            let _ = check(&text);
            let _ = check(&format!("http://{text}"));
            let _ = check(&format!("http://[{text}"));
        }
    }
}
