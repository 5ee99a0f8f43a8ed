//! What lies in one cart. Everything here may be asked for twice: what has been merged or ordered
//! already is remembered in the same value, so that one compare-and-swap decides.

use kit::problem::Problem;
use serde::{Deserialize, Serialize};

/// How much of one SKU lies in a cart at most.
pub const QUANTITY_MAX: u32 = 99;
/// How many SKUs lie in a cart at most.
pub const LINES_MAX: usize = 100;
/// How many moves and taken orders are remembered: far more than can be under way at once.
const REMEMBERED_MAX: usize = 32;

/// So much of a SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
}

/// Lines on their way from a guest's cart into a user's, in three writes that may be repeated: they
/// leave the guest's cart, they are added to the user's, and the guest's cart forgets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub id: String,
    /// To whom.
    pub user: String,
    pub lines: Vec<Line>,
}

/// A cart as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// In the order in which they were put in.
    pub lines: Vec<Line>,
    /// The moves that have ended in this cart, the last ones last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    merged: Vec<String>,
    /// What is on its way from this cart into another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    leaving: Option<Move>,
    /// The orders whose lines were taken out, the last ones last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ordered: Vec<String>,
}

impl Contents {
    /// Adds to what lies there, up to the most that may.
    ///
    /// # Errors
    /// 409 for one SKU too many.
    pub fn add(&mut self, sku: &str, quantity: u32) -> Result<(), Problem> {
        let there = self.quantity(sku);
        self.set(sku, there.saturating_add(quantity).min(QUANTITY_MAX))
    }

    /// Sets how much lies there; 0 takes it out.
    ///
    /// # Errors
    /// 409 for one SKU too many.
    pub fn set(&mut self, sku: &str, quantity: u32) -> Result<(), Problem> {
        if quantity == 0 {
            self.lines.retain(|line| line.sku != sku);
            return Ok(());
        }
        if let Some(line) = self.lines.iter_mut().find(|line| line.sku == sku) {
            line.quantity = quantity;
            return Ok(());
        }
        if self.lines.len() >= LINES_MAX {
            let detail = format!("A cart takes {LINES_MAX} different things. Take one out first.");
            return Err(Problem::new(409, "cart_full", detail));
        }
        self.lines.push(Line {
            sku: sku.to_owned(),
            quantity,
        });
        Ok(())
    }

    fn quantity(&self, sku: &str) -> u32 {
        let mut lines = self.lines.iter();
        let line = lines.find(|line| line.sku == sku);
        line.map_or(0, |line| line.quantity)
    }

    /// Begins to move what lies here to a user, unless a move is under way, and gives what is on
    /// its way.
    pub fn leave(&mut self, id: &str, user: &str) -> Option<Move> {
        if self.leaving.is_none() && !self.lines.is_empty() {
            self.leaving = Some(Move {
                id: id.to_owned(),
                user: user.to_owned(),
                lines: std::mem::take(&mut self.lines),
            });
        }
        self.leaving.clone()
    }

    /// Adds what was moved here, once. What does not fit is dropped.
    pub fn arrive(&mut self, moved: &Move) {
        if !remember(&mut self.merged, &moved.id) {
            return;
        }
        for line in &moved.lines {
            // A full cart is no reason to refuse the sign-in that this is a part of.
            let _ = self.add(&line.sku, line.quantity);
        }
    }

    /// Forgets a move that has arrived.
    pub fn end_move(&mut self, id: &str) {
        self.leaving.take_if(|leaving| leaving.id == id);
    }

    /// Takes out what was ordered, once.
    pub fn take_out(&mut self, order: &str, lines: &[Line]) {
        if !remember(&mut self.ordered, order) {
            return;
        }
        for line in lines {
            let left = self.quantity(&line.sku).saturating_sub(line.quantity);
            // Nothing is added, so nothing can be too much.
            let _ = self.set(&line.sku, left);
        }
    }
}

/// False: it was known.
fn remember(known: &mut Vec<String>, id: &str) -> bool {
    if known.iter().any(|one| one == id) {
        return false;
    }
    known.push(id.to_owned());
    let surplus = known.len().saturating_sub(REMEMBERED_MAX);
    known.drain(..surplus);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, proptest};

    use super::{Contents, LINES_MAX, Line, Move, QUANTITY_MAX};

    fn line(sku: &str, quantity: u32) -> Line {
        Line {
            sku: sku.to_owned(),
            quantity,
        }
    }

    #[test]
    fn adding_stops_at_the_most() {
        let mut cart = Contents::default();
        cart.add("A", 60).unwrap();
        cart.add("A", 60).unwrap();
        assert_eq!(cart.lines, [line("A", QUANTITY_MAX)]);
        for number in 1..LINES_MAX {
            cart.add(&format!("B{number}"), 1).unwrap();
        }
        assert_eq!(cart.add("C", 1).unwrap_err().code, "cart_full");
        cart.set("A", 0).unwrap();
        cart.add("C", 1).unwrap();
    }

    #[test]
    fn a_guests_cart_moves_once_and_what_comes_meanwhile_stays() {
        let (mut guest, mut mine) = (Contents::default(), Contents::default());
        assert_eq!(guest.leave("m-0", "anna"), None);
        guest.add("A", 2).unwrap();
        mine.add("A", 1).unwrap();
        let moved = guest.leave("m-1", "anna").unwrap();
        guest.add("B", 1).unwrap();
        // Broken off and begun again.
        assert_eq!(guest.leave("m-2", "bert").unwrap(), moved);
        for _ in 0..2 {
            mine.arrive(&moved);
            guest.end_move("m-1");
        }
        assert_eq!(mine.lines, [line("A", 3)]);
        assert_eq!(guest.lines, [line("B", 1)]);
        assert_eq!(guest.leave("m-3", "anna").unwrap().lines, [line("B", 1)]);
    }

    #[test]
    fn an_order_is_taken_out_once() {
        let mut cart = Contents::default();
        cart.add("A", 3).unwrap();
        cart.add("B", 1).unwrap();
        for _ in 0..2 {
            cart.take_out("order", &[line("A", 2), line("B", 5), line("C", 1)]);
        }
        assert_eq!(cart.lines, [line("A", 1)]);
    }

    proptest! {
        #[test]
        fn a_cart_keeps_its_bounds(
            steps in prop::collection::vec((0..4, 0..120_u32, 0..200_u32), 0..300)
        ) {
            let mut cart = Contents::default();
            for (what, sku, quantity) in steps {
                let sku = format!("S{sku}");
                let lines = [line(&sku, quantity)];
                let quantity = quantity.min(QUANTITY_MAX);
                match what {
                    0 => drop(cart.add(&sku, quantity)),
                    1 => drop(cart.set(&sku, quantity)),
                    2 => cart.arrive(&Move {
                        id: format!("{sku}-{quantity}"),
                        user: String::new(),
                        lines: lines.to_vec(),
                    }),
                    _ => cart.take_out(&format!("{sku}-{quantity}"), &lines),
                }
                assert!(cart.lines.len() <= LINES_MAX);
                let is_good = |line: &Line| (1..=QUANTITY_MAX).contains(&line.quantity);
                assert!(cart.lines.iter().all(is_good), "{cart:?}");
            }
        }
    }
}
