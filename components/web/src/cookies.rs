//! Cookies (RFC 6265): what the browser sends, and what it shall keep. Values are percent-encoded.

use kit::http::{Request, decode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What a browser keeps for the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The access token. It ends a little before the token itself does, and that is how the shop
    /// knows that a new one is due.
    Access,
    /// The refresh token.
    Refresh,
    /// Role and name, for the page's head; whoever forges it deceives only himself.
    Shopper,
    /// The secret id of a guest's cart.
    Cart,
    /// How many things lie in the cart, for the page's head.
    Count,
}

const DAY_SECONDS: u64 = 86_400;

impl Cookie {
    fn name(self) -> &'static str {
        match self {
            Cookie::Access => "shop-access",
            Cookie::Refresh => "shop-refresh",
            Cookie::Shopper => "shop-shopper",
            Cookie::Cart => "shop-cart",
            Cookie::Count => "shop-count",
        }
    }

    /// The value in a request; an empty one is none.
    pub fn read(self, request: &Request) -> Option<String> {
        let headers = request.headers.iter();
        let cookies = headers.filter(|(name, _)| name == "cookie");
        let mut pairs = cookies.flat_map(|(_, cookies)| cookies.split(';'));
        let value = pairs.find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name.trim() == self.name()).then(|| decode(value.trim()))
        })?;
        (!value.is_empty()).then_some(value)
    }
}

/// Answers' `set-cookie` headers.
#[derive(Debug)]
pub struct Jar {
    is_secure: bool,
    headers: Vec<String>,
}

impl Jar {
    /// Cookies that go over TLS alone where the request came over TLS.
    pub fn new(is_secure: bool) -> Jar {
        Jar {
            is_secure,
            headers: Vec::new(),
        }
    }

    /// Keeps a value for 30 days.
    pub fn keep(&mut self, cookie: Cookie, value: &str) {
        self.keep_for(cookie, value, 30 * DAY_SECONDS);
    }

    /// Keeps a value for so long.
    pub fn keep_for(&mut self, cookie: Cookie, value: &str, seconds: u64) {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = cookie.name();
        // The later of two with the same name counts, but a browser need not be asked twice.
        let start = format!("{name}=");
        self.headers.retain(|header| !header.starts_with(&start));
        self.headers.push(format!(
            "{start}{value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
        ));
    }

    /// Makes the browser forget a value.
    pub fn forget(&mut self, cookie: Cookie) {
        self.keep_for(cookie, "", 0);
    }

    /// The values of the headers.
    pub fn into_headers(self) -> Vec<String> {
        self.headers
    }
}

#[cfg(test)]
mod tests {
    use kit::http::Request;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Cookie, Jar};

    fn sent_back(header: &str) -> Request {
        let pair = header.split(';').next().unwrap();
        Request::new("GET", "/").with_header("cookie", &format!("other=1; {pair}"))
    }

    #[test]
    fn cookies_are_for_the_server_alone() {
        let mut jar = Jar::new(true);
        jar.keep(Cookie::Access, "a.b");
        jar.keep_for(Cookie::Access, "a.c", 5);
        assert_eq!(
            jar.into_headers(),
            ["shop-access=a%2Ec; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure"]
        );
    }

    #[test]
    fn a_forgotten_cookie_is_none() {
        let mut jar = Jar::new(false);
        jar.forget(Cookie::Cart);
        let headers = jar.into_headers();
        assert!(headers[0].contains("Max-Age=0"));
        assert_eq!(Cookie::Cart.read(&sent_back(&headers[0])), None);
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in any::<String>()) {
            let mut jar = Jar::new(false);
            jar.keep(Cookie::Shopper, &value);
            let back = Cookie::Shopper.read(&sent_back(&jar.into_headers()[0]));
            prop_assert_eq!(back.unwrap_or_default(), value);
        }
    }
}
