//! Who visits: signing in, renewing a session, and its end.

use serde_json::{Value, json};

use super::services::Recorded;
use super::{cookies, get, html, post, signed_in, visit};

#[test]
fn a_session_that_is_due_is_renewed_before_the_page_is_made() {
    let services = Recorded::shop();
    let request = get("/orders").with_header("cookie", "shop-refresh=refresh-1");
    let answer = visit(&services, &request);
    assert_eq!(answer.status, 200, "{}", html(&answer));
    let calls = services.calls();
    assert_eq!(calls[0].json(), json!({ "refresh_token": "refresh-1" }));
    let authorization = services.call("GET orders");
    assert_eq!(
        authorization.header("authorization"),
        Some("Bearer token-2")
    );
    let kept = cookies(&answer);
    assert!(
        kept.contains(&"shop-access=token%2D2".to_owned()),
        "{kept:?}"
    );
    assert!(kept.contains(&"shop-refresh=refresh%2D2".to_owned()));
    assert!(
        !html(&answer).contains("token-2"),
        "tokens stand in no page"
    );
}

#[test]
fn a_refused_token_is_renewed_once_and_the_page_made_anew() {
    let refused = json!({ "code": "unauthenticated", "detail": "expired" });
    let services = Recorded::shop().with("GET orders", 401, refused.clone());
    let answer = visit(&services, &signed_in(get("/orders")));
    let renewals = services.calls().into_iter();
    let renewals = renewals.filter(|call| call.path_with_query.ends_with("/refresh"));
    assert_eq!(renewals.count(), 1);
    // It is refused again here, which is not asked a third time.
    assert_eq!(services.calls().len(), 3);
    assert_eq!(answer.header("location"), Some("/sign-in?next=%2Forders"));
}

#[test]
fn a_session_that_ended_makes_a_guest() {
    let refused = json!({ "code": "unauthenticated", "detail": "ended" });
    let services = Recorded::shop().with("POST users/sessions/refresh", 401, refused);
    let request = get("/").with_header("cookie", "shop-refresh=refresh-1");
    let answer = visit(&services, &request);
    assert_eq!(answer.status, 200);
    assert!(html(&answer).contains("Sign in"));
    assert!(cookies(&answer).contains(&"shop-refresh=".to_owned()));
    let request = get("/account").with_header("cookie", "shop-refresh=refresh-1");
    let answer = visit(&services, &request);
    assert_eq!(answer.header("location"), Some("/sign-in?next=%2Faccount"));
}

#[test]
fn nobody_is_signed_out_because_users_does_not_answer() {
    let services = Recorded::shop().down("users");
    let request = |path| get(path).with_header("cookie", "shop-refresh=refresh-1");
    let answer = visit(&services, &request("/"));
    assert_eq!((answer.status, cookies(&answer).len()), (200, 0));
    let answer = visit(&services, &request("/orders"));
    assert_eq!((answer.status, cookies(&answer).len()), (503, 0));
}

#[test]
fn a_script_never_renews_a_session() {
    let services = Recorded::shop();
    let request = get("/orders/o-1/status").with_header("cookie", "shop-refresh=refresh-1");
    let answer = visit(&services, &request);
    assert_eq!(answer.body, br#"{"reload":true}"#);
    assert!(services.calls().is_empty());
}

#[test]
fn who_signs_in_brings_the_cart_along() {
    let services = Recorded::shop();
    let form = "email=ada%40example.com&password=+12345678&next=%2Fcheckout";
    let request = post("/sign-in", form).with_header("cookie", "shop-cart=g-1");
    let answer = visit(&services, &request);
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/checkout"));
    let credentials = json!({ "email": "ada@example.com", "password": " 12345678" });
    assert_eq!(services.calls()[0].json(), credentials);
    let merge = services.call("POST cart/merge");
    assert_eq!(merge.json(), json!({ "cart": "g-1" }));
    assert_eq!(merge.header("authorization"), Some("Bearer token-2"));
    let kept = cookies(&answer);
    assert!(kept.contains(&"shop-cart=".to_owned()), "{kept:?}");
    assert!(kept.contains(&"shop-count=3".to_owned()));
}

#[test]
fn what_is_wrong_with_signing_in_is_said() {
    let attempt = |status, body: Value| {
        let services = Recorded::shop().with("POST users", status, body);
        let form = "email=ada%40example.com&password=12345678&name=Ada&next=%2F%2Fevil";
        let answer = visit(&services, &post("/sign-up", form));
        (answer.status, html(&answer))
    };
    let (status, page) = attempt(401, json!({ "code": "wrong_credentials" }));
    assert_eq!(status, 422);
    assert!(page.contains("The e-mail or the password is wrong."));
    assert!(page.contains("value=\"ada@example.com\"") && !page.contains("12345678"));
    let (status, page) = attempt(429, json!({ "code": "locked" }));
    assert_eq!(status, 429);
    assert!(page.contains("wrong too often"));
    let errors = json!([{ "field": "password", "detail": "must have at least 8 characters" }]);
    let (_, page) = attempt(422, json!({ "code": "invalid", "errors": errors }));
    assert!(page.contains("Password must have at least 8 characters."));
    assert!(page.contains("aria-describedby=\"password-hint password-error\""));
}

#[test]
fn who_signs_out_is_forgotten_even_where_nobody_answers() {
    for services in [Recorded::shop(), Recorded::shop().down("users")] {
        let answer = visit(&services, &signed_in(post("/sign-out", "")));
        assert_eq!(answer.header("location"), Some("/"));
        let kept = cookies(&answer);
        for name in ["access", "refresh", "shopper"] {
            assert!(kept.contains(&format!("shop-{name}=")), "{kept:?}");
        }
    }
}

#[test]
fn nobody_is_led_to_another_site() {
    let services = Recorded::shop();
    let form = "email=a&password=b&next=https%3A%2F%2Fevil.example";
    let answer = visit(&services, &post("/sign-in", form));
    assert_eq!(answer.header("location"), Some("/"));
}
