//! One event's turn: how it changes a saga, and what follows.

use kit::time::rfc_3339;

use super::{Clock, Command, Event, Order, Saga, Stage, State, Step};

/// An order was placed.
pub fn begin(order: Order, clock: &Clock) -> (Saga, Vec<Command>) {
    let mut turn = Turn {
        saga: Saga {
            order,
            state: State::Placed,
            due_ms: None,
            wake_ms: None,
            tracking: None,
            reason: None,
            steps: Vec::new(),
        },
        commands: vec![Command::RequestCapture],
        clock,
    };
    turn.enter(State::Placed, "The order was placed.");
    (turn.saga, turn.commands)
}

/// Something happened to an order.
pub fn step(saga: Saga, event: Event, clock: &Clock) -> (Saga, Vec<Command>) {
    let mut turn = Turn {
        saga,
        commands: Vec::new(),
        clock,
    };
    turn.take(event);
    (turn.saga, turn.commands)
}

struct Turn<'c> {
    saga: Saga,
    commands: Vec<Command>,
    clock: &'c Clock,
}

impl Turn<'_> {
    fn take(&mut self, event: Event) {
        match (self.saga.state, event) {
            (State::Placed, Event::Captured) => {
                self.advance(State::Paid, "Your payment has arrived.");
                self.commands.push(Command::RequestPick);
            }
            (State::Paid, Event::Picked) => {
                self.advance(State::Picked, "Your goods are packed.");
                self.commands.push(Command::RequestShipment);
            }
            (State::Placed, Event::CaptureFailed { reason }) => {
                self.cancel(format!("The payment could not be taken: {reason}"));
            }
            (State::Paid, Event::Short { skus }) => {
                self.cancel(format!("Not in stock any more: {}.", skus.join(", ")));
            }
            (State::Placed | State::Paid, Event::CancelRequested { by }) => {
                self.cancel(match by == self.saga.order.user {
                    true => "You cancelled it.".to_owned(),
                    false => "The shop cancelled it.".to_owned(),
                });
            }
            (State::Picked, Event::CancelRequested { .. }) => {
                self.note("To cancel is too late: the parcel is being handed over.");
            }
            (State::Picked | State::Shipped, Event::Shipment { tracking, stage }) => {
                self.ship(tracking, stage);
            }
            (State::Cancelling { .. } | State::Cancelled, Event::Shipment { tracking, .. }) => {
                self.saga.tracking = tracking;
                self.note("A parcel left although the order is cancelled: call it back.");
            }
            (State::Cancelling { .. }, Event::StockReturned) => self.returned(true, false),
            (State::Cancelling { .. }, Event::PaymentReturned) => self.returned(false, true),
            (_, Event::Deadline { due_ms }) => self.wake(due_ms),
            // Late, or known: the state that waited for it is over.
            (
                _,
                Event::CancelRequested { .. }
                | Event::Captured
                | Event::CaptureFailed { .. }
                | Event::Picked
                | Event::Short { .. }
                | Event::StockReturned
                | Event::PaymentReturned
                | Event::Shipment { .. },
            ) => {}
        }
    }

    /// A step forward, of which the customer is told.
    fn advance(&mut self, state: State, text: &str) {
        self.enter(state, text);
        let text = text.to_owned();
        self.commands.push(Command::Tell { state, text });
    }

    /// The parcel's news may overtake each other: any of them says that there is one.
    fn ship(&mut self, tracking: Option<String>, stage: Stage) {
        if self.saga.state == State::Picked {
            self.saga.tracking = tracking;
            self.advance(State::Shipped, "Your parcel is on its way.");
        }
        match stage {
            Stage::Created => {}
            Stage::Moved(text) => self.note(&text),
            Stage::Delivered => self.advance(State::Delivered, "Your parcel is delivered."),
        }
    }

    /// Has everything undone.
    fn cancel(&mut self, reason: String) {
        let state = State::Cancelling {
            stock_returned: false,
            payment_returned: false,
            round: 0,
        };
        self.enter(state, &reason);
        self.saga.reason = Some(reason);
        self.ask_for_returns();
    }

    fn ask_for_returns(&mut self) {
        let State::Cancelling {
            stock_returned,
            payment_returned,
            round,
        } = self.saga.state
        else {
            return;
        };
        if !stock_returned {
            self.commands.push(Command::RequestStockReturn { round });
        }
        if !payment_returned {
            self.commands.push(Command::RequestPaymentReturn { round });
        }
    }

    fn returned(&mut self, stock: bool, payment: bool) {
        let State::Cancelling {
            stock_returned,
            payment_returned,
            ..
        } = &mut self.saga.state
        else {
            return;
        };
        *stock_returned |= stock;
        *payment_returned |= payment;
        if *stock_returned && *payment_returned {
            let reason = self.saga.reason.clone().unwrap_or_default();
            let text = format!("Your order is cancelled, and you pay nothing. {reason}");
            self.advance(State::Cancelled, &text);
        }
    }

    fn wake(&mut self, woken_ms: u64) {
        let Some(due_ms) = self.saga.due_ms else {
            return;
        };
        if self.saga.wake_ms == Some(woken_ms) {
            self.saga.wake_ms = None;
        }
        // That moment has come, whatever a clock says that was set back a little.
        match due_ms <= self.clock.now_ms.max(woken_ms) {
            true => self.give_up(),
            false => self.arm(),
        }
    }

    /// What the state waits for is late.
    fn give_up(&mut self) {
        match self.saga.state {
            State::Placed => self.cancel("The payment did not arrive in time.".to_owned()),
            State::Paid => self.cancel("The goods were not packed in time.".to_owned()),
            State::Picked => self.cancel("No carrier took the parcel in time.".to_owned()),
            State::Cancelling {
                stock_returned,
                payment_returned,
                round,
            } => {
                self.saga.state = State::Cancelling {
                    stock_returned,
                    payment_returned,
                    round: round.saturating_add(1),
                };
                self.set_due();
                self.ask_for_returns();
            }
            State::Shipped | State::Delivered | State::Cancelled => {}
        }
    }

    fn enter(&mut self, state: State, text: &str) {
        self.saga.state = state;
        self.saga.steps.push(Step {
            at: rfc_3339(self.clock.now_ms),
            state: state.name().to_owned(),
            text: text.to_owned(),
        });
        self.set_due();
    }

    /// Writes down what staff should see, once.
    fn note(&mut self, text: &str) {
        if self.saga.steps.iter().all(|step| step.text != text) {
            self.saga.steps.push(Step {
                at: rfc_3339(self.clock.now_ms),
                state: self.saga.state.name().to_owned(),
                text: text.to_owned(),
            });
        }
    }

    fn set_due(&mut self) {
        let own_ms = self.saga.state.patience_ms();
        let patience_ms = own_ms.map(|own_ms| self.clock.patience_ms.unwrap_or(own_ms));
        self.saga.due_ms = patience_ms.map(|patience_ms| self.clock.now_ms + patience_ms);
        self.arm();
    }

    /// Sees to it that a deadline comes in time.
    fn arm(&mut self) {
        if let Some(due_ms) = self.saga.due_ms
            && self.saga.wake_ms.is_none_or(|wake_ms| due_ms < wake_ms)
        {
            self.saga.wake_ms = Some(due_ms);
            self.commands.push(Command::Wake { due_ms });
        }
    }
}
