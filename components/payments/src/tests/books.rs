//! Whatever is lost, late, repeated or given up in between: the provider never takes or returns
//! more than it may, no money stays set aside for nothing, and both books agree in the end.

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;

use super::world::{Fault, World};
use crate::authorization::EXPIRY_MS;
use crate::payment::State;

const IDS: [&str; 3] = ["a", "b", "c"];
const TOKENS: [&str; 4] = ["tok_ok_", "tok_ok_", "tok_declined_", "tok_uncapturable_"];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// For this much; another amount is a mistake, which costs nobody anything.
    Authorize(u64),
    /// The order is stored, and its event delivered.
    Place,
    Abandon,
    Capture,
    Return,
    /// By the staff.
    Refund,
    /// A webhook comes, perhaps not for the first time.
    Webhook(usize),
    /// Requests that were on their way arrive.
    Arrive,
    /// A quarter of an hour passes.
    Expire,
}

/// What the other services have done about one payment.
#[derive(Default)]
struct Attempt {
    is_authorized: bool,
    is_placed: bool,
    is_abandoned: bool,
    /// Events that the handler has not taken yet.
    abandons: u32,
    captures: u32,
    returns: u32,
    was_returned: bool,
    /// The staff was told to try again.
    is_refund_open: bool,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Authorize(500)),
        1 => Just(Step::Authorize(501)),
        3 => Just(Step::Place),
        2 => Just(Step::Abandon),
        3 => Just(Step::Capture),
        2 => Just(Step::Return),
        1 => Just(Step::Refund),
        2 => any::<usize>().prop_map(Step::Webhook),
        2 => Just(Step::Arrive),
        1 => Just(Step::Expire),
    ]
}

/// The faults of up to two requests in a row.
fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::LostRequest),
        1 => Just(Fault::Held),
        1 => Just(Fault::LostAnswer),
        1 => Just(Fault::Broken),
    ];
    vec(fault, 0..2)
}

struct Play {
    world: World,
    attempts: [Attempt; 3],
    tokens: [usize; 3],
    /// The expiries that were published, by their time.
    expiring: Vec<(u64, kit::event::Event)>,
}

impl Play {
    fn take_events(&mut self) -> Result<(), TestCaseError> {
        for event in self.world.take_events() {
            match event.topic {
                "payment.expiring" => self.expiring.push((event.not_before_ms.unwrap(), event)),
                "payment.captured" => {
                    let booked = self.world.booked(&event.id).unwrap();
                    prop_assert!(booked == "captured" || booked == "refunded", "{booked}");
                }
                "payment.returned" => {
                    let booked = self.world.booked(&event.id).unwrap_or_default();
                    prop_assert!(booked != "authorized" && booked != "captured", "{booked}");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn go(&mut self, number: usize, step: Step) -> Result<(), TestCaseError> {
        let Play {
            world,
            attempts,
            tokens,
            ..
        } = self;
        let (id, attempt) = (IDS[number], &mut attempts[number]);
        match step {
            Step::Authorize(amount_minor) => {
                let token = TOKENS[tokens[number]];
                let is_good = world.authorize_amount(id, amount_minor, token).is_ok();
                let is_given_up = attempt.is_abandoned && attempt.abandons == 0;
                prop_assert!(!(is_good && is_given_up), "it was given up");
                attempt.is_authorized |= is_good;
            }
            Step::Place if attempt.is_authorized && !attempt.is_abandoned => {
                prop_assert!(world.placed(id) == 204);
                attempt.is_placed = true;
            }
            Step::Abandon if !attempt.is_placed => {
                attempt.is_abandoned = true;
                attempt.abandons = u32::from(world.asked("order.abandoned", id) != 204);
            }
            Step::Capture if attempt.is_placed => {
                let status = world.asked("payment.capture-requested", id);
                attempt.captures = u32::from(status != 204);
            }
            Step::Return if attempt.is_placed => {
                attempt.was_returned = true;
                let status = world.asked("payment.return-requested", id);
                attempt.returns = u32::from(status != 204);
            }
            Step::Refund => {
                let (status, _) = world.staff("POST", &format!("/api/payments/{id}/refund"));
                attempt.is_refund_open |= status == 503;
            }
            Step::Webhook(index) => {
                let told = world.told.borrow().clone();
                if !told.is_empty() {
                    world.webhook(&told[index % told.len()]);
                }
            }
            Step::Arrive => world.deliver_held(),
            Step::Expire => self.expire()?,
            Step::Place | Step::Abandon | Step::Capture | Step::Return => {}
        }
        self.take_events()
    }

    /// Lets time pass until all that expires has done so.
    fn expire(&mut self) -> Result<(), TestCaseError> {
        self.world.forget_faults();
        self.world.deliver_held();
        let now_ms = self.world.host.now_ms.get();
        self.world.set_time(now_ms + EXPIRY_MS);
        while let Some((due_ms, event)) = self.expiring.pop() {
            let now_ms = self.world.host.now_ms.get();
            self.world.set_time(now_ms.max(due_ms));
            prop_assert!(self.world.deliver(&event) == 204);
            self.take_events()?;
        }
        for attempt in &mut self.attempts {
            attempt.is_authorized = false;
        }
        Ok(())
    }

    /// The faults end, and the bus delivers what is left.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.world.forget_faults();
        *self.world.host.publish_failure.borrow_mut() = None;
        self.world.deliver_held();
        for (number, id) in IDS.iter().enumerate() {
            let attempt = &mut self.attempts[number];
            for (count, topic) in [
                (&mut attempt.abandons, "order.abandoned"),
                (&mut attempt.captures, "payment.capture-requested"),
                (&mut attempt.returns, "payment.return-requested"),
            ] {
                if *count > 0 {
                    prop_assert!(self.world.asked(topic, id) == 204, "{topic}");
                    *count = 0;
                }
            }
        }
        for (number, id) in IDS.iter().enumerate() {
            if self.attempts[number].is_refund_open {
                let (status, _) = self
                    .world
                    .staff("POST", &format!("/api/payments/{id}/refund"));
                prop_assert!(status != 503);
            }
        }
        self.take_events()?;
        self.expire()
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (number, id) in IDS.iter().enumerate() {
            let attempt = &self.attempts[number];
            let known = self.world.known(id).map_or(State::Unknown, |one| one.state);
            let booked = self.world.booked(id).unwrap_or_default();
            let agrees = match booked.as_str() {
                "" | "declined" => {
                    !matches!(known, State::Authorized | State::Captured | State::Refunded)
                }
                // Nothing is set aside either way.
                "voided" if known == State::Declined => true,
                booked => booked == known.name(),
            };
            prop_assert!(agrees, "{id}: {known:?}, and the provider says `{booked}`");
            if !attempt.is_placed {
                prop_assert!(
                    booked != "authorized" && booked != "captured",
                    "{id}: {booked}"
                );
            }
            if attempt.is_placed && !attempt.was_returned {
                prop_assert!(booked != "voided", "{id} was let go under an order");
            }
            if attempt.was_returned {
                prop_assert!(booked == "voided" || booked == "refunded", "{id}: {booked}");
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_books_agree_in_the_end(
        tokens in [0usize..4, 0..4, 0..4],
        steps in vec((0usize..3, step(), faults(), any::<u8>()), 1..40),
    ) {
        let (attempts, expiring) = (<[Attempt; 3]>::default(), Vec::new());
        let mut play = Play { world: World::new(), attempts, tokens, expiring };
        for (number, step, faults, luck) in steps {
            play.world.forget_faults();
            for fault in faults {
                play.world.fail(fault);
            }
            // Now and then the bus is full.
            let failure = (luck < 16).then(|| kit::event::PublishError("full".to_owned()));
            let is_full = failure.is_some();
            *play.world.host.publish_failure.borrow_mut() = failure;
            if !(is_full && matches!(step, Step::Expire)) {
                play.go(number, step)?;
            }
            *play.world.host.publish_failure.borrow_mut() = None;
        }
        play.settle()?;
        play.check()?;
    }
}
