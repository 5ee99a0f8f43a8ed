//! Apps on Spin's own SDKs, as its templates lay them out.

use kumiki_tests::app::{App, Service};

#[test]
fn apps_of_both_sdks_answer_unchanged() {
    for (guest, greeting) in [
        ("guest_spin_sdk_7", "hello from spin-sdk 7"),
        ("guest_spin_sdk_5", "hello from spin-sdk 5"),
    ] {
        let service = Service::new("app", guest)
            .route("/...")
            .key_value_stores(&["default"]);
        let host = App::new([service]).start();
        assert_eq!(host.get("/").expect(200), greeting);
        assert_eq!(host.get("/visits").expect(200), "1", "{guest}");
        assert_eq!(host.get("/visits").expect(200), "2", "{guest}");
    }
}

#[test]
fn both_sdks_share_a_store() {
    let seven = Service::new("seven", "guest_spin_sdk_7").route("/seven/...");
    let visits = Service::new("visits", "guest_spin_sdk_7").route("/visits");
    let five = Service::new("five", "guest_spin_sdk_5").route("/five/...");
    let services = [seven, visits, five].map(|service| service.key_value_stores(&["default"]));
    let host = App::new(services).start();
    assert_eq!(host.get("/visits").expect(200), "1");
    assert_eq!(host.get("/five/").expect(200), "hello from spin-sdk 5");
    assert_eq!(host.get("/seven/").expect(200), "hello from spin-sdk 7");
}

#[test]
fn an_error_of_an_app_is_a_500_without_internals() {
    let service = Service::new("app", "guest_spin_sdk_5").route("/...");
    let answer = App::new([service]).start().get("/visits");
    assert_eq!(answer.status, 500, "{answer:?}");
}
