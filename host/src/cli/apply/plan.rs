//! The plan of an apply, as lines for people.

use crate::app::plan::{Action, PlanLine, SERVICE};

/// Stands where a line belongs to no service.
const APPLICATION: &str = "-";

/// A line for each difference.
pub fn text(lines: &[PlanLine]) -> String {
    if lines.is_empty() {
        return "nothing changes".to_owned();
    }
    let width = |of: fn(&PlanLine) -> &str| {
        let widths = lines.iter().map(|line| of(line).chars().count());
        widths.max().unwrap_or_default()
    };
    let services = width(service);
    let keys = width(|line| match line.key.as_str() {
        SERVICE => "",
        key => key,
    });
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let what = match line.key.as_str() {
                SERVICE => whole(line),
                key => format!("{key:keys$}  {}", values(line)),
            };
            let (mark, service) = (mark(line.action), service(line));
            format!("{mark} {service:services$}  {what}")
        })
        .collect();
    lines.join("\n")
}

fn service(line: &PlanLine) -> &str {
    line.service.as_deref().unwrap_or(APPLICATION)
}

fn mark(action: Action) -> char {
    match action {
        Action::Added => '+',
        Action::Changed => '~',
        Action::Removed => '-',
    }
}

/// A service that is new or gone.
fn whole(line: &PlanLine) -> String {
    match line.is.as_deref() {
        Some("") => "a new service".to_owned(),
        Some(routes) => format!("a new service, {routes}"),
        None => "removed; what it stored stays".to_owned(),
    }
}

fn values(line: &PlanLine) -> String {
    let values = [line.was.as_deref(), line.is.as_deref()];
    let values: Vec<&str> = values.into_iter().flatten().collect();
    values.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(
        action: Action,
        service: Option<&str>,
        key: &str,
        was: Option<&str>,
        is: Option<&str>,
    ) -> PlanLine {
        PlanLine {
            action,
            service: service.map(str::to_owned),
            key: key.to_owned(),
            was: was.map(str::to_owned),
            is: is.map(str::to_owned),
        }
    }

    #[test]
    fn a_plan_reads_as_in_the_manual() {
        let routes = Some("/api/coupons/...");
        let lines = [
            line(
                Action::Removed,
                None,
                "variables.old.default",
                Some("\"a\""),
                None,
            ),
            line(
                Action::Changed,
                Some("cart"),
                "tool.kumiki.timeout_ms",
                Some("5000"),
                Some("2000"),
            ),
            line(Action::Added, Some("cart"), "route", None, Some("/cart")),
            line(Action::Added, Some("coupons"), SERVICE, None, routes),
            line(Action::Added, Some("quiet"), SERVICE, None, Some("")),
            line(
                Action::Removed,
                Some("wishlist"),
                SERVICE,
                Some("/wishlist"),
                None,
            ),
        ];
        let expected = "\
- -         variables.old.default   \"a\"
~ cart      tool.kumiki.timeout_ms  5000 -> 2000
+ cart      route                   /cart
+ coupons   a new service, /api/coupons/...
+ quiet     a new service
- wishlist  removed; what it stored stays";
        assert_eq!(text(&lines), expected);
        assert_eq!(text(&[]), "nothing changes");
    }
}
