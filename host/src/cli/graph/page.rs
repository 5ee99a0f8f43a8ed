//! The maps within a page: each stands between a line `<!-- kumiki graph --part links -->`, which
//! says what it is, and a line `<!-- end -->`. What is written there is left to [`super::parts`].

use clap::ValueEnum as _;

use super::Part;

const BEGIN: &str = "<!-- kumiki graph";
const CLOSE: &str = "-->";
const END: &str = "<!-- end -->";

/// What is wrong with the markers of a page.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    #[error(
        "there is no place for a map; write the lines `{BEGIN} --part links {CLOSE}` and `{END}` \
         where it shall stand"
    )]
    NoPlace,
    #[error("line {line}: `{marker}` has no `{END}` after it; write that line where the map ends")]
    NoEnd { line: usize, marker: String },
    #[error(
        "line {line}: `{marker}` does not say what to draw; write `{BEGIN} --part PART {CLOSE}`, \
         where PART is `routes`, `links`, `events` or `all`"
    )]
    Unknown { line: usize, marker: String },
}

/// The page with each of its maps drawn anew.
pub(super) fn redrawn(page: &str, draw: impl Fn(Part) -> String) -> Result<String, PageError> {
    let mut redrawn = String::with_capacity(page.len());
    let mut lines = (1..).zip(page.split_inclusive('\n'));
    let mut is_empty = true;
    while let Some((line, text)) = lines.next() {
        redrawn.push_str(text);
        // An indented one is shown, as in a page that speaks of markers.
        let marker = text.trim_end();
        if !marker.starts_with(BEGIN) {
            continue;
        }
        let named = || marker.to_owned();
        let part = part(marker).ok_or_else(|| PageError::Unknown {
            line,
            marker: named(),
        })?;
        let end = lines
            .by_ref()
            .map(|(_, text)| text)
            .take_while(|text| !text.starts_with(BEGIN))
            .find(|text| text.trim_end() == END);
        let end = end.ok_or_else(|| PageError::NoEnd {
            line,
            marker: named(),
        })?;
        redrawn.push_str(&draw(part));
        redrawn.push_str(end);
        is_empty = false;
    }
    if is_empty {
        return Err(PageError::NoPlace);
    }
    Ok(redrawn)
}

/// What a marker says; nothing is the whole map, as on the command line.
fn part(marker: &str) -> Option<Part> {
    let words = marker.strip_prefix(BEGIN)?.strip_suffix(CLOSE)?;
    let words: Vec<&str> = words.split_whitespace().collect();
    match words.as_slice() {
        [] => Some(Part::All),
        ["--part", part] => Part::from_str(part, false).ok(),
        _ => None,
    }
}
