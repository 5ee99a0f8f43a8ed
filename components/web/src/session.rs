//! Who visits: the session that `users` gives, kept in cookies.

use kit::http::Request;
use kit::identity::Role;
use serde::Deserialize;

use crate::cookies::{Cookie, Jar};

/// Seconds that a browser forgets the access token before it ends, so that a call under way does
/// not meet its end; less where tokens are short-lived.
const MARGIN_SECONDS: u64 = 30;

/// What `users` answers to signing up, in or on.
#[derive(Clone, Debug, Deserialize)]
pub struct Granted {
    pub name: String,
    pub role: Role,
    pub access_token: String,
    pub expires_in: u64,
    pub refresh_token: String,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shopper {
    pub name: String,
    pub role: Role,
    pub access_token: String,
}

/// Who visits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    Guest,
    SignedIn(Shopper),
    /// Signed in by the cookies, but `users` cannot say so now.
    Unsure,
}

/// What the cookies of a request say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    Guest,
    /// With an access token that should still be good.
    SignedIn(Shopper),
    /// With a refresh token alone.
    Due,
}

/// Reads the cookies.
pub fn claim(request: &Request) -> Claim {
    let Some(access_token) = Cookie::Access.read(request) else {
        return match Cookie::Refresh.read(request) {
            Some(_) => Claim::Due,
            None => Claim::Guest,
        };
    };
    let shopper = Cookie::Shopper.read(request).unwrap_or_default();
    let (role, name) = shopper.split_once(':').unwrap_or(("", &shopper));
    Claim::SignedIn(Shopper {
        name: name.to_owned(),
        role: if role == "staff" {
            Role::Staff
        } else {
            Role::Customer
        },
        access_token,
    })
}

impl Granted {
    /// Makes the browser keep the session.
    pub fn keep(self, jar: &mut Jar) -> Shopper {
        let margin = MARGIN_SECONDS.min(self.expires_in / 10);
        let seconds = self.expires_in.saturating_sub(margin);
        jar.keep_for(Cookie::Access, &self.access_token, seconds);
        jar.keep(Cookie::Refresh, &self.refresh_token);
        keep_name(jar, self.role, &self.name);
        Shopper {
            name: self.name,
            role: self.role,
            access_token: self.access_token,
        }
    }
}

/// Makes the browser keep who is signed in, for the head of pages.
pub fn keep_name(jar: &mut Jar, role: Role, name: &str) {
    let role = match role {
        Role::Customer => "customer",
        Role::Staff => "staff",
    };
    jar.keep(Cookie::Shopper, &format!("{role}:{name}"));
}

/// Makes the browser forget the session, and how much lies in its cart.
pub fn forget(jar: &mut Jar) {
    for cookie in [
        Cookie::Access,
        Cookie::Refresh,
        Cookie::Shopper,
        Cookie::Count,
    ] {
        jar.forget(cookie);
    }
}

/// Whether a request that changes something comes from a page of this shop (OWASP, "Verifying
/// origin with standard headers"). Browsers say so themselves; what does not say it is refused.
pub fn is_own_origin(request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = request.header("origin").unwrap_or_default();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == request.header("host")
}

#[cfg(test)]
mod tests {
    use kit::http::Request;
    use kit::identity::Role;

    use super::{Claim, Granted, Shopper, claim, forget, is_own_origin};
    use crate::cookies::Jar;

    fn granted(role: Role) -> Granted {
        Granted {
            name: "Ada: née Byron".to_owned(),
            role,
            access_token: "aaa.bbb".to_owned(),
            expires_in: 900,
            refresh_token: "rrr".to_owned(),
        }
    }

    fn sent_back(jar: Jar, without: &str) -> Request {
        let headers = jar.into_headers().into_iter();
        let pairs = headers.filter_map(|header| Some(header.split_once(';')?.0.to_owned()));
        let pairs: Vec<_> = pairs.filter(|pair| !pair.starts_with(without)).collect();
        Request::new("GET", "/").with_header("cookie", &pairs.join("; "))
    }

    #[test]
    fn a_session_comes_back_with_the_next_request() {
        for role in [Role::Customer, Role::Staff] {
            let mut jar = Jar::new(false);
            let shopper: Shopper = granted(role).keep(&mut jar);
            let back = claim(&sent_back(jar, "none"));
            assert_eq!(back, Claim::SignedIn(shopper));
        }
    }

    #[test]
    fn the_access_token_is_forgotten_before_it_ends() {
        let mut jar = Jar::new(false);
        granted(Role::Customer).keep(&mut jar);
        let headers = jar.into_headers();
        assert!(headers[0].contains("Max-Age=870;"), "{}", headers[0]);
        let mut jar = Jar::new(false);
        granted(Role::Customer).keep(&mut jar);
        assert_eq!(claim(&sent_back(jar, "shop-access")), Claim::Due);
    }

    #[test]
    fn who_leaves_is_a_guest() {
        let mut jar = Jar::new(false);
        granted(Role::Customer).keep(&mut jar);
        forget(&mut jar);
        assert_eq!(claim(&sent_back(jar, "none")), Claim::Guest);
    }

    #[test]
    fn only_pages_of_the_shop_change_anything() {
        let request = |headers: &[(&str, &str)]| {
            let request = Request::new("POST", "/cart").with_header("host", "shop.example:3000");
            headers.iter().fold(request, |request, (name, value)| {
                request.with_header(name, value)
            })
        };
        for (headers, is_own) in [
            (&[][..], false),
            (&[("origin", "http://shop.example:3000")], true),
            (&[("origin", "https://shop.example:3000")], true),
            (&[("origin", "http://shop.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "shop.example:3000")], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://shop.example:3000"),
                ],
                false,
            ),
        ] {
            assert_eq!(is_own_origin(&request(headers)), is_own, "{headers:?}");
        }
        let without_host = Request::new("POST", "/").with_header("origin", "null");
        assert!(!is_own_origin(&without_host));
    }
}
