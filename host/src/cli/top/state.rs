//! What `kumiki top` shows, and what each key makes of it.

use std::cmp::Ordering;
use std::time::Instant;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::cli::observed::{COLUMNS, Registry, Row, Service};

/// The column of the calls per second, by which the busiest stand first.
const CALLS: usize = 4;
/// Rows that a page has for the keys of pages, whatever the terminal has.
const PAGE_ROWS: isize = 10;

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Stay,
    Leave,
}

/// What the keys do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They move within the list.
    List,
    /// They write the filter.
    Filter,
    /// One service is shown; they scroll by so many lines.
    Service { scrolled: usize },
}

/// Everything that a picture is made of.
#[derive(Debug)]
pub struct State {
    /// Where the host answers.
    pub host: String,
    pub registry: Registry,
    /// Why the host's last answer is missing.
    pub trouble: Option<String>,
    pub mode: Mode,
    /// The column's number.
    pub sorted_by: usize,
    pub reversed: bool,
    /// Services whose line has this text are shown.
    pub filter: String,
    /// The selected service's id: the line under it changes, the selection does not.
    selected: Option<String>,
    rows: Vec<Row>,
    read_at: Option<Instant>,
}

impl State {
    pub fn new(host: String) -> Self {
        Self {
            host,
            registry: Registry::default(),
            trouble: None,
            mode: Mode::List,
            sorted_by: CALLS,
            reversed: false,
            filter: String::new(),
            selected: None,
            rows: Vec::new(),
            read_at: None,
        }
    }

    /// Takes a reading.
    pub fn take(&mut self, registry: Registry, at: Instant) {
        let before = self.read_at.replace(at);
        let before = before.map(|before| (&self.registry, at.saturating_duration_since(before)));
        self.rows = registry.rows(before);
        self.registry = registry;
        self.trouble = None;
    }

    /// Notes that the host gave none.
    pub fn miss(&mut self, trouble: String) {
        self.trouble = Some(trouble);
    }

    /// The rows that are shown, in their order.
    pub fn rows(&self) -> Vec<&Row> {
        let filter = self.filter.to_lowercase();
        let is_shown = |row: &&Row| {
            let texts = [&row.id, &row.revision, &row.health];
            texts
                .iter()
                .any(|text| text.to_lowercase().contains(&filter))
        };
        let mut rows: Vec<&Row> = self.rows.iter().filter(is_shown).collect();
        rows.sort_by(|one, other| {
            let ordering = compare(self.sorted_by, one, other);
            let ordering = if self.reversed {
                ordering.reverse()
            } else {
                ordering
            };
            ordering.then_with(|| one.id.cmp(&other.id))
        });
        rows
    }

    /// The place of the selected row among `rows`: the first one's while none is.
    pub fn selected(&self, rows: &[&Row]) -> usize {
        let is_selected = |row: &&Row| Some(&row.id) == self.selected.as_ref();
        rows.iter().position(is_selected).unwrap_or_default()
    }

    /// The service that is shown alone.
    pub fn service(&self) -> Option<&Service> {
        let id = self.selected.as_ref()?;
        self.registry
            .services
            .iter()
            .find(|service| service.id == *id)
    }

    /// Does what a key says.
    pub fn press(&mut self, key: KeyEvent) -> Step {
        if key.kind == KeyEventKind::Release {
            return Step::Stay;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Step::Leave,
                _ => Step::Stay,
            };
        }
        match self.mode {
            Mode::List => return self.press_in_list(key.code),
            Mode::Filter => self.press_in_filter(key.code),
            Mode::Service { scrolled } => return self.press_in_service(key.code, scrolled),
        }
        Step::Stay
    }

    fn press_in_list(&mut self, key: KeyCode) -> Step {
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Step::Leave,
            KeyCode::Up | KeyCode::Char('k') => self.select(-1),
            KeyCode::Down | KeyCode::Char('j') => self.select(1),
            KeyCode::PageUp => self.select(-PAGE_ROWS),
            KeyCode::PageDown => self.select(PAGE_ROWS),
            KeyCode::Home => self.select(isize::MIN),
            KeyCode::End => self.select(isize::MAX),
            KeyCode::Char('s') => self.sorted_by = (self.sorted_by + 1) % COLUMNS.len(),
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Enter => {
                self.select(0);
                if self.selected.is_some() {
                    self.mode = Mode::Service { scrolled: 0 };
                }
            }
            _ => {}
        }
        Step::Stay
    }

    fn press_in_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char(character) => self.filter.push(character),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.mode = Mode::List,
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::List;
            }
            _ => {}
        }
    }

    fn press_in_service(&mut self, key: KeyCode, scrolled: usize) -> Step {
        let scrolled = match key {
            KeyCode::Char('q') => return Step::Leave,
            KeyCode::Esc | KeyCode::Enter | KeyCode::Backspace => {
                self.mode = Mode::List;
                return Step::Stay;
            }
            KeyCode::Up | KeyCode::Char('k') => scrolled.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => scrolled.saturating_add(1),
            KeyCode::Home => 0,
            _ => scrolled,
        };
        self.mode = Mode::Service { scrolled };
        Step::Stay
    }

    /// Selects the row so many below the selected one, as far as there are rows.
    fn select(&mut self, by: isize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        let place = self.selected(&rows).saturating_add_signed(by).min(last);
        self.selected = rows.get(place).map(|row| row.id.clone());
    }
}

/// Texts from A on, numbers from the largest on.
fn compare(column: usize, one: &Row, other: &Row) -> Ordering {
    let times = |of: fn(&Row) -> Option<f64>| {
        let value = |row| of(row).unwrap_or(-1.0);
        value(other).total_cmp(&value(one))
    };
    match column {
        1 => one.revision.cmp(&other.revision),
        2 => one.health.cmp(&other.health),
        3 => (other.busy, other.ready).cmp(&(one.busy, one.ready)),
        CALLS => other.calls_per_second.total_cmp(&one.calls_per_second),
        5 => other.failed.cmp(&one.failed),
        6 => times(|row| row.p50_us),
        7 => times(|row| row.p99_us),
        8 => other.memory_bytes.cmp(&one.memory_bytes),
        9 => other.deployed.cmp(&one.deployed),
        _ => one.id.cmp(&other.id),
    }
}
