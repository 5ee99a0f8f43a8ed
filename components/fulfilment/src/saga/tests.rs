//! Each row of the table of docs/STORE.md.

use serde_json::json;

use super::{Clock, Command, Event, Line, Order, Saga, Stage, State, begin, step};

const NOW_MS: u64 = 1_000_000;
const MINUTE_MS: u64 = 60_000;

fn order() -> Order {
    Order {
        id: "o-1".to_owned(),
        user: "ada".to_owned(),
        checkout: "1.0".to_owned(),
        lines: vec![Line {
            sku: "CUP".to_owned(),
            quantity: 2,
        }],
        address: json!({ "city": "Berlin" }),
        service: "standard".to_owned(),
        weight_g: 700,
    }
}

fn at(now_ms: u64) -> Clock {
    Clock {
        now_ms,
        patience_ms: None,
    }
}

fn captured() -> Event {
    Event::Captured
}

fn shipment(stage: Stage) -> Event {
    Event::Shipment {
        tracking: Some("t-1".to_owned()),
        stage,
    }
}

fn cancel() -> Event {
    Event::CancelRequested {
        by: "ada".to_owned(),
    }
}

fn deadline(due_ms: u64) -> Event {
    Event::Deadline { due_ms }
}

/// The saga after these events, and what followed from the last.
fn after(events: &[Event]) -> (Saga, Vec<Command>) {
    let begun = begin(order(), &at(NOW_MS));
    events.iter().fold(begun, |(saga, _), event| {
        step(saga, event.clone(), &at(NOW_MS + 1))
    })
}

/// A row: what was there before, what comes, the state, and the requests that follow.
fn row(before: &[Event], event: Event, state: &str, requests: &[Command]) -> Saga {
    let events = [before, std::slice::from_ref(&event)].concat();
    let (saga, commands) = after(&events);
    assert_eq!(saga.state.name(), state, "{events:?}");
    let is_request = |command: &&Command| match command {
        Command::Tell { .. } | Command::Wake { .. } => false,
        Command::RequestCapture
        | Command::RequestPick
        | Command::RequestShipment
        | Command::RequestStockReturn { .. }
        | Command::RequestPaymentReturn { .. } => true,
    };
    let found: Vec<&Command> = commands.iter().filter(is_request).collect();
    assert_eq!(found, requests.iter().collect::<Vec<_>>(), "{events:?}");
    let (again, commands) = step(saga.clone(), event, &at(NOW_MS + 2));
    assert_eq!(
        (&again, commands.as_slice()),
        (&saga, [].as_slice()),
        "{events:?} twice"
    );
    saga
}

const RETURNS: [Command; 2] = [
    Command::RequestStockReturn { round: 0 },
    Command::RequestPaymentReturn { round: 0 },
];

#[test]
fn an_order_that_goes_well_is_delivered() {
    let (saga, commands) = begin(order(), &at(NOW_MS));
    let due_ms = NOW_MS + 2 * MINUTE_MS;
    assert_eq!(saga.state, State::Placed);
    assert_eq!(
        commands,
        [Command::RequestCapture, Command::Wake { due_ms }]
    );
    let way = [
        captured(),
        Event::Picked,
        shipment(Stage::Created),
        shipment(Stage::Delivered),
    ];
    row(&[], captured(), "paid", &[Command::RequestPick]);
    row(
        &way[..1],
        Event::Picked,
        "picked",
        &[Command::RequestShipment],
    );
    row(&way[..2], shipment(Stage::Created), "shipped", &[]);
    let saga = row(&way[..3], shipment(Stage::Delivered), "delivered", &[]);
    assert_eq!(saga.tracking.as_deref(), Some("t-1"));
    let told = |events: &[Event]| -> Vec<State> {
        let commands = after(events).1.into_iter();
        let told = commands.filter_map(|command| match command {
            Command::Tell { state, .. } => Some(state),
            _ => None,
        });
        told.collect()
    };
    let told: Vec<State> = (1..=4).flat_map(|count| told(&way[..count])).collect();
    assert_eq!(
        told,
        [State::Paid, State::Picked, State::Shipped, State::Delivered]
    );
}

#[test]
fn what_fails_is_undone() {
    let failed = Event::CaptureFailed {
        reason: "no money".to_owned(),
    };
    let short = Event::Short {
        skus: vec!["CUP".to_owned()],
    };
    let saga = row(&[], failed, "cancelling", &RETURNS);
    assert_eq!(
        saga.reason.as_deref(),
        Some("The payment could not be taken: no money")
    );
    let saga = row(&[captured()], short, "cancelling", &RETURNS);
    assert_eq!(saga.reason.as_deref(), Some("Not in stock any more: CUP."));
    for before in [vec![], vec![captured()]] {
        let saga = row(&before, cancel(), "cancelling", &RETURNS);
        assert_eq!(saga.reason.as_deref(), Some("You cancelled it."));
    }
    let by_staff = Event::CancelRequested {
        by: "eve".to_owned(),
    };
    let saga = row(&[], by_staff, "cancelling", &RETURNS);
    assert_eq!(saga.reason.as_deref(), Some("The shop cancelled it."));
}

#[test]
fn an_order_is_cancelled_when_both_have_given_back() {
    for (first, second) in [
        (Event::StockReturned, Event::PaymentReturned),
        (Event::PaymentReturned, Event::StockReturned),
    ] {
        let saga = row(&[cancel()], first.clone(), "cancelling", &[]);
        assert_eq!(saga.state.waits_for().len(), 1);
        let saga = row(&[cancel(), first], second, "cancelled", &[]);
        assert!(saga.state.waits_for().is_empty());
    }
}

#[test]
fn a_parcel_cannot_be_called_back() {
    let before = [captured(), Event::Picked];
    let saga = row(&before, cancel(), "picked", &[]);
    assert_eq!(saga.steps.len(), 4, "staff sees it");
    let before = [&before[..], &[shipment(Stage::Created)]].concat();
    row(&before, cancel(), "shipped", &[]);
}

#[test]
fn the_news_of_a_parcel_may_overtake_each_other() {
    let before = [captured(), Event::Picked];
    let (saga, commands) = after(&[&before[..], &[shipment(Stage::Delivered)]].concat());
    assert_eq!(saga.state, State::Delivered);
    let told = commands.iter().map(|command| match command {
        Command::Tell { state, .. } => state.name(),
        other => panic!("{other:?}"),
    });
    assert_eq!(told.collect::<Vec<_>>(), ["shipped", "delivered"]);
    let moved = shipment(Stage::Moved("In transit".to_owned()));
    let saga = row(&before, moved, "shipped", &[]);
    assert_eq!(saga.steps.last().unwrap().text, "In transit");
}

#[test]
fn a_parcel_that_leaves_too_late_is_shown_to_staff() {
    let gone = [captured(), Event::Picked];
    let (saga, _) = after(&gone);
    let (saga, commands) = step(
        saga,
        deadline(NOW_MS + 2 * MINUTE_MS),
        &at(NOW_MS + 11 * MINUTE_MS),
    );
    assert_eq!(saga.state.name(), "cancelling");
    assert_eq!(commands[1..], RETURNS);
    let (saga, commands) = step(saga, shipment(Stage::Created), &at(NOW_MS));
    assert!(commands.is_empty());
    assert!(saga.steps.last().unwrap().text.contains("call it back"));
    assert_eq!(saga.tracking.as_deref(), Some("t-1"));
}

#[test]
fn who_is_late_is_waited_for_no_longer() {
    for (before, minutes, reason) in [
        (vec![], 2, "The payment did not arrive in time."),
        (vec![captured()], 10, "The goods were not packed in time."),
        (
            vec![captured(), Event::Picked],
            10,
            "No carrier took the parcel in time.",
        ),
    ] {
        let (saga, _) = after(&before);
        let due_ms = NOW_MS + minutes * MINUTE_MS + u64::from(!before.is_empty());
        let (waits, _) = step(saga.clone(), deadline(due_ms - 1), &at(due_ms - 1));
        assert_eq!(waits.state, saga.state, "{reason}");
        let (cancelled, _) = step(saga, deadline(due_ms), &at(due_ms));
        assert_eq!(cancelled.reason.as_deref(), Some(reason));
    }
}

#[test]
fn one_deadline_is_under_way_at_a_time() {
    let first_ms = NOW_MS + 2 * MINUTE_MS;
    let (saga, commands) = after(&[captured()]);
    assert!(
        !commands
            .iter()
            .any(|one| matches!(one, Command::Wake { .. }))
    );
    // It comes when the order waits for something else, and is set anew for that.
    let (saga, commands) = step(saga, deadline(first_ms), &at(first_ms));
    let due_ms = NOW_MS + 1 + 10 * MINUTE_MS;
    assert_eq!(commands, [Command::Wake { due_ms }]);
    let (_, commands) = step(saga.clone(), deadline(first_ms), &at(first_ms));
    assert_eq!(commands, [], "the same again");
    // What is due earlier does not wait for it.
    let (_, commands) = step(saga, cancel(), &at(first_ms));
    let due_ms = first_ms + MINUTE_MS;
    assert!(commands.contains(&Command::Wake { due_ms }));
}

#[test]
fn who_does_not_give_back_is_asked_again_under_a_new_id() {
    let (mut saga, _) = after(&[cancel(), Event::StockReturned]);
    let mut due_ms = NOW_MS + 1 + MINUTE_MS;
    for round in 1..10 {
        let (next, commands) = step(saga, deadline(due_ms), &at(due_ms));
        due_ms += MINUTE_MS << round.min(6);
        let expected = [
            Command::Wake { due_ms },
            Command::RequestPaymentReturn { round },
        ];
        assert_eq!(commands, expected);
        saga = next;
    }
    let (saga, _) = step(saga, Event::PaymentReturned, &at(due_ms));
    let (_, commands) = step(saga, deadline(due_ms), &at(due_ms));
    assert_eq!(commands, []);
}

#[test]
fn a_test_may_be_less_patient() {
    let clock = Clock {
        now_ms: NOW_MS,
        patience_ms: Some(5),
    };
    let (_, commands) = begin(order(), &clock);
    let due_ms = NOW_MS + 5;
    assert!(commands.contains(&Command::Wake { due_ms }));
}
