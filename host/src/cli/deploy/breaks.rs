//! What a deploy would break, as a table for people.

use crate::cli::table;
use crate::runtime::contracts::deploy::Break;

/// A line for each function that a consumer would miss.
pub fn table(breaks: &[Break]) -> String {
    let header = ["CONSUMER", "FUNCTION", "WAS", "IS", "WHY"];
    let row = |it: &Break| {
        let Break {
            consumer,
            function,
            was,
            is,
            why,
        } = it.clone();
        [consumer, function, was, is, why]
    };
    table::render(header, breaks.iter().map(row), header.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_stands_on_one_line_as_the_manual_shows_it() {
        let broken = Break {
            consumer: "cart".to_owned(),
            function: "store:catalog/products@1.0.0#get".to_owned(),
            was: "func(id: u64) -> …".to_owned(),
            is: "func(id: string) -> …".to_owned(),
            why: "parameter `id`: u64 became string".to_owned(),
        };
        let text = table(&[broken]);
        let expected = "\
CONSUMER  FUNCTION                          WAS                 IS                     WHY
cart      store:catalog/products@1.0.0#get  func(id: u64) -> …  func(id: string) -> …  parameter \
                        `id`: u64 became string";
        assert_eq!(text, expected);
    }
}
