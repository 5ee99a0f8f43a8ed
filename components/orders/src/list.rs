//! Lists of ids that grow without end: a store's value is bounded, so a list is kept in segments.
//! The newest ids stand under the list's own name, and each segment before them under its number.

use kit::store::{Change, KeyValue, StoreError};
use serde::{Deserialize, Serialize};

/// The ids of one segment: about 8 KB, which is read and written for each new one.
const SEGMENT_IDS: usize = 200;

/// What stands under the list's name.
#[derive(Default, Serialize, Deserialize)]
struct Head {
    /// How many full segments came before.
    full: u64,
    ids: Vec<String>,
}

impl Head {
    fn count(&self) -> u64 {
        self.full * SEGMENT_IDS as u64 + self.ids.len() as u64
    }
}

fn segment(name: &str, number: u64) -> String {
    format!("{name}/{number}")
}

/// Adds an id, unless it is among the newest already.
///
/// # Errors
/// When the store fails.
pub fn append(store: &dyn KeyValue, name: &str, id: &str) -> Result<(), StoreError> {
    let mut saved = None;
    loop {
        let full = store.update(name, |head: Option<Head>| {
            let mut head = head.unwrap_or_default();
            if head.ids.iter().any(|known| known == id) {
                return Ok(Change::Keep(None));
            }
            if head.ids.len() >= SEGMENT_IDS {
                if saved != Some(head.full) {
                    return Ok(Change::Keep(Some(head)));
                }
                head = Head {
                    full: head.full + 1,
                    ids: Vec::new(),
                };
            }
            head.ids.push(id.to_owned());
            Ok::<_, StoreError>(Change::Write(head, None))
        })?;
        // A full segment is kept under its number before the head begins the next one, so that no
        // moment is without it.
        let Some(head) = full else { return Ok(()) };
        store.set_json(&segment(name, head.full), &head.ids)?;
        saved = Some(head.full);
    }
}

/// The ids before a position, the newest first, and the position of the next page. A position is
/// the number of ids that are older, so it stays the same while the list grows.
///
/// # Errors
/// When the store fails.
pub fn page(
    store: &dyn KeyValue,
    name: &str,
    before: Option<u64>,
    limit: usize,
) -> Result<(Vec<String>, Option<u64>), StoreError> {
    let head: Head = store.get_json(name)?.unwrap_or_default();
    let mut position = before.unwrap_or(u64::MAX).min(head.count());
    let (mut number, mut ids) = (head.full, head.ids);
    let mut page = Vec::new();
    while page.len() < limit && position > 0 {
        let wanted = (position - 1) / SEGMENT_IDS as u64;
        if wanted != number {
            number = wanted;
            ids = store.get_json(&segment(name, number))?.unwrap_or_default();
        }
        let end = (position - number * SEGMENT_IDS as u64) as usize;
        let newest_first = ids.iter().take(end).rev().take(limit - page.len());
        let before = page.len();
        page.extend(newest_first.cloned());
        // A segment that is not there, which no writer leaves behind, ends the list.
        match page.len() - before {
            0 => return Ok((page, None)),
            taken => position -= taken as u64,
        }
    }
    Ok((page, (position > 0).then_some(position)))
}

#[cfg(test)]
mod tests {
    use kit::store::KeyValue;
    use kit::store::memory::Memory;
    use proptest::prelude::{ProptestConfig, proptest};

    use super::{SEGMENT_IDS, append, page};

    fn filled(count: usize) -> Memory {
        let memory = Memory::default();
        for number in 0..count {
            append(&memory, "list", &number.to_string()).unwrap();
        }
        memory
    }

    #[test]
    fn an_id_is_added_once() {
        let memory = filled(3);
        append(&memory, "list", "2").unwrap();
        let (ids, next) = page(&memory, "list", None, 10).unwrap();
        assert_eq!((ids.join(" ").as_str(), next), ("2 1 0", None));
    }

    #[test]
    fn a_page_stays_where_it_was_while_the_list_grows() {
        let memory = filled(SEGMENT_IDS + 5);
        let (_, next) = page(&memory, "list", None, 3).unwrap();
        append(&memory, "list", "more").unwrap();
        let (ids, _) = page(&memory, "list", next, 4).unwrap();
        assert_eq!(ids, ["201", "200", "199", "198"]);
    }

    #[test]
    fn a_value_stays_small() {
        let memory = filled(3 * SEGMENT_IDS);
        for key in memory.all_keys() {
            assert!(memory.get(&key).unwrap().unwrap().len() < 10_000, "{key}");
        }
        assert_eq!(memory.all_keys(), ["list", "list/0", "list/1"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pages_give_each_id_once_and_the_newest_first(
            count in 0_usize..900,
            limit in 1_usize..130,
        ) {
            let memory = filled(count);
            let (mut all, mut before) = (Vec::new(), None);
            loop {
                let (ids, next) = page(&memory, "list", before, limit).unwrap();
                assert!(ids.len() <= limit);
                all.extend(ids);
                match next {
                    Some(_) => before = next,
                    None => break,
                }
            }
            let expected: Vec<String> = (0..count).rev().map(|number| number.to_string()).collect();
            assert_eq!(all, expected);
        }
    }
}
