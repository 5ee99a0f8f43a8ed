//! Tables for people: columns with two spaces between them, no lines.

use comfy_table::{CellAlignment, Table, presets};

/// A table; the columns from `numbers_from` on are numbers.
pub fn render<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
    numbers_from: usize,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.to_string().lines().map(trimmed).collect();
    lines.join("\n")
}

/// A line without the padding of its ends.
fn trimmed(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..0x10_0000 => (1024.0, "KiB"),
        0x10_0000..0x4000_0000 => (1024.0 * 1024.0, "MiB"),
        0x4000_0000.. => (1024.0 * 1024.0 * 1024.0, "GiB"),
    };
    format!("{:.1} {name}", bytes as f64 / unit)
}

/// A time for people.
pub fn time(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 2.0 * MINUTE {
        format!("{seconds:.1} s")
    } else if seconds < 2.0 * HOUR {
        format!("{:.0} min", seconds / MINUTE)
    } else if seconds < 2.0 * DAY {
        format!("{:.1} h", seconds / HOUR)
    } else {
        format!("{:.1} days", seconds / DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["a", "10"], ["bcd", "7"]].map(|row| row.map(str::to_owned));
        let text = render(["NAME", "COUNT"], rows, 1);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].starts_with("a ") && lines[1].ends_with("10"),
            "{text}"
        );
        assert_eq!(lines[1].len(), lines[2].len());
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!(size(4096), "4.0 KiB");
        assert_eq!(size(5 << 20), "5.0 MiB");
        assert_eq!(size(3 << 29), "1.5 GiB");
        assert_eq!(time(0.0124), "12 ms");
        assert_eq!(time(12.345), "12.3 s");
        assert_eq!(time(600.0), "10 min");
        assert_eq!(time(9000.0), "2.5 h");
        assert_eq!(time(864_000.0), "10.0 days");
    }
}
