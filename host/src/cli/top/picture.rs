//! How `kumiki top` looks: a picture of its state, made of nothing else.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::state::{Mode, State};
use crate::cli::history::revisions_table;
use crate::cli::inspect::edges_table;
use crate::cli::observed::{COLUMNS, Edge, NUMBERS_FROM, Service};
use crate::cli::output::plain;
use crate::cli::table;

const TITLE: Style = Style::new().add_modifier(Modifier::BOLD);
const HEADER: Style = Style::new().add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));
const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
const TROUBLE: Style = Style::new().fg(Color::Red);

/// Draws the state as it is at a moment.
pub fn draw(state: &State, now: DateTime<Utc>, area: Rect, buffer: &mut Buffer) {
    let rows = [
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ];
    let [title, body, foot] = Layout::vertical(rows).areas(area);
    line(&titled(state), TITLE, title, buffer);
    match (state.mode, state.service()) {
        (Mode::Service { scrolled }, Some(service)) => {
            lines(&of_service(state, service), scrolled, body, buffer);
        }
        (Mode::Service { .. } | Mode::List | Mode::Filter, _) => list(state, now, body, buffer),
    }
    match &state.trouble {
        Some(trouble) => line(trouble, TROUBLE, foot, buffer),
        None => line(&keys(state), Style::new(), foot, buffer),
    }
}

fn titled(state: &State) -> String {
    let registry = &state.registry;
    let uptime = table::time(registry.uptime_seconds as f64);
    let count = registry.services.len();
    format!(
        "{} at {}, up {uptime}, {count} services",
        registry.name, state.host
    )
}

fn keys(state: &State) -> String {
    match state.mode {
        Mode::Filter => format!("/{}_   enter keeps it, esc clears it", state.filter),
        Mode::Service { .. } => "esc back   j/k scroll   q quit".to_owned(),
        Mode::List => {
            let column = COLUMNS.get(state.sorted_by).copied().unwrap_or_default();
            let order = if state.reversed { ", reversed" } else { "" };
            let filter = match state.filter.as_str() {
                "" => String::new(),
                filter => format!("   /{filter}"),
            };
            format!(
                "sorted by {column}{order}{filter}   s sort  r reverse  / filter  enter  q quit"
            )
        }
    }
}

/// The header, and as many rows as there is room for, the selected one among them.
fn list(state: &State, now: DateTime<Utc>, area: Rect, buffer: &mut Buffer) {
    let rows = state.rows();
    let selected = state.selected(&rows);
    let room = usize::from(area.height).saturating_sub(1);
    let first = (selected + 1).saturating_sub(room);
    let shown = rows.iter().skip(first).take(room);
    let text = table::render(COLUMNS, shown.map(|row| row.cells(now)), NUMBERS_FROM);
    for (index, (text, area)) in text.lines().zip(area.rows()).enumerate() {
        let style = match index {
            0 => HEADER,
            _ if first + index == selected + 1 => SELECTED,
            _ => Style::new(),
        };
        line(text, style, area, buffer);
    }
}

/// The calls to a service and from it, and its revisions.
fn of_service(state: &State, service: &Service) -> String {
    let edges = state.registry.edges.iter();
    let is_its = |edge: &&Edge| {
        edge.callee == service.id || edge.caller.as_deref() == Some(service.id.as_str())
    };
    let edges: Vec<Edge> = edges.filter(is_its).cloned().collect();
    let mut parts = vec![format!("{}: {}", service.id, service.health)];
    for (text, none) in [
        (edges_table(&edges), "no calls yet"),
        (revisions_table(&service.revisions), "no numbered revisions"),
    ] {
        parts.push(String::new());
        parts.push(if text.is_empty() {
            none.to_owned()
        } else {
            text
        });
    }
    parts.join("\n")
}

fn lines(text: &str, scrolled: usize, area: Rect, buffer: &mut Buffer) {
    for (text, area) in text.lines().skip(scrolled).zip(area.rows()) {
        line(text, Style::new(), area, buffer);
    }
}

/// One line over the whole width.
fn line(text: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, style);
    Line::raw(plain(text)).render(area, buffer);
}

#[cfg(test)]
mod tests;
