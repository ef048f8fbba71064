//! A line of the page of functions: what is deployed, joined with what was called. Functions that were removed but called
//! have lines too, and one whose calls are in several currencies or of several tenants has a line for each.

use std::cmp::Ordering;

use serde::Serialize;

use crate::catalog::Function;
use crate::model::VersionState;
use crate::units::{Money, nanos};
use crate::web::pages::format::{self, NONE};
use crate::web::pages::range::{self, Pair};
use crate::web::pages::row::{Row, int, text};
use crate::web::panel::window::Filters;

/// What a list is sorted by: its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    State,
    Memory,
    Calls,
    Errors,
    Throttled,
    Cold,
    P95,
    Cost,
}

impl Sort {
    pub(super) const ALL: [Self; 9] = [
        Self::Name,
        Self::State,
        Self::Memory,
        Self::Calls,
        Self::Errors,
        Self::Throttled,
        Self::Cold,
        Self::P95,
        Self::Cost,
    ];

    /// The word in URLs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Memory => "memory",
            Self::Calls => "calls",
            Self::Errors => "errors",
            Self::Throttled => "throttled",
            Self::Cold => "cold",
            Self::P95 => "p95",
            Self::Cost => "cost",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|sort| sort.as_str() == text);
        known.ok_or_else(|| format!("there are {}", Self::ALL.map(Self::as_str).join(", ")))
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Name => "Function",
            Self::State => "State",
            Self::Memory => "Limits",
            Self::Calls => "Calls",
            Self::Errors => "Errors",
            Self::Throttled => "Throttled",
            Self::Cold => "Cold",
            Self::P95 => "p95",
            Self::Cost => "List cost",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Name => "Name and tenant",
            Self::State => "Whether it can be called, and which version calls run",
            Self::Memory => "Memory, time, concurrency and rate; sorted by memory",
            Self::Calls => "Attempts that ran in the range",
            Self::Errors => "Errors, time-outs and out of memory, as a share of the calls",
            Self::Throttled => "Calls that a limit turned away, as a share of all",
            Self::Cold => "Cold starts, as a share of the calls",
            Self::P95 => "95th percentile of the handler's time, within 1 %",
            Self::Cost => "First tier, no free tier; the exact amount is in the hint",
        }
    }

    /// Whether the largest comes first where nothing else is said.
    pub(super) fn is_number(self) -> bool {
        !matches!(self, Self::Name | Self::State | Self::Memory)
    }
}

/// What was called, in one currency.
#[derive(Debug, Clone, Default)]
struct Figures {
    currency: String,
    calls: i64,
    errors: i64,
    throttled: i64,
    cold: i64,
    p95_ns: Option<f64>,
    cost: Option<Money>,
}

/// A line of the list.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) tenant: String,
    deployed: Option<Function>,
    figures: Figures,
}

/// A line as the page shows it.
#[derive(Serialize)]
pub(super) struct Shown {
    name: String,
    href: String,
    tenant: String,
    state: &'static str,
    reason: Option<String>,
    version: String,
    versions: String,
    limits: Vec<String>,
    tags: Vec<(String, String)>,
    calls: String,
    errors: String,
    error_rate: String,
    has_errors: bool,
    throttled: String,
    throttle_rate: String,
    cold: String,
    cold_rate: String,
    p95: String,
    cost: String,
    cost_exact: Option<String>,
    line: Option<super::spark::Line>,
}

/// Each function with its figures, and those that were removed but called.
pub(super) fn all(functions: &[Function], figures: &[Row], filters: &Filters) -> Vec<Entry> {
    let find = |name: &str| {
        let found = functions.binary_search_by(|function| function.latest.spec.name.as_str().cmp(name));
        found.ok().map(|at| functions[at].clone())
    };
    let called = figures.iter().map(|row| Entry {
        name: text(row, "function").to_owned(),
        tenant: text(row, "tenant").to_owned(),
        deployed: find(text(row, "function")),
        figures: Figures::of(row),
    });
    let mut entries: Vec<Entry> = called.collect();
    let names: std::collections::BTreeSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let idle = functions.iter().filter(|function| !names.contains(&function.latest.spec.name));
    let idle = idle.filter(|function| is_wanted(function, filters)).map(|function| Entry {
        name: function.latest.spec.name.clone(),
        tenant: function.latest.spec.tenant.clone(),
        deployed: Some(function.clone()),
        figures: Figures::default(),
    });
    entries.extend(idle);
    entries
}

/// Whether a function that was not called is among those that the filters name. A region is where calls ran.
fn is_wanted(function: &Function, filters: &Filters) -> bool {
    let latest = &function.latest;
    let is = |filter: &str, value: &str| filter.is_empty() || filter == value;
    let (key, value) = filters.tag.split_once(':').unwrap_or_default();
    is(&filters.tenant, &latest.spec.tenant)
        && is(&filters.function, &latest.spec.name)
        && is(&filters.version, &latest.version.to_string())
        && filters.region.is_empty()
        && (filters.tag.is_empty() || latest.spec.tags.get(key).is_some_and(|tag| tag == value))
}

/// Sorts by what is asked, then by name; lines without a value come last either way.
pub(super) fn sort(entries: &mut [Entry], by: Sort, descending: bool) {
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    entries.sort_by(|a, b| {
        let order = match by {
            Sort::Name => directed(a.name.cmp(&b.name)),
            Sort::State => directed(a.state().cmp(b.state())),
            Sort::Memory => some_first(a.memory(), b.memory(), Ord::cmp, directed),
            Sort::Calls => directed(a.figures.calls.cmp(&b.figures.calls)),
            Sort::Errors => some_first(a.error_rate(), b.error_rate(), f64::total_cmp, directed),
            Sort::Throttled => some_first(a.throttle_rate(), b.throttle_rate(), f64::total_cmp, directed),
            Sort::Cold => some_first(a.cold_rate(), b.cold_rate(), f64::total_cmp, directed),
            Sort::P95 => some_first(a.figures.p95_ns, b.figures.p95_ns, f64::total_cmp, directed),
            Sort::Cost => {
                let currency = a.figures.currency.cmp(&b.figures.currency);
                some_first(a.figures.cost, b.figures.cost, |a, b| currency.then(a.cmp(b)), directed)
            }
        };
        order.then_with(|| (&a.name, &a.tenant, &a.figures.currency).cmp(&(&b.name, &b.tenant, &b.figures.currency)))
    });
}

fn some_first<T>(
    a: Option<T>,
    b: Option<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    directed: impl Fn(Ordering) -> Ordering,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(compare(&a, &b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

impl Figures {
    fn of(row: &Row) -> Self {
        Self {
            currency: text(row, "currency").to_owned(),
            calls: int(row, "invocations"),
            errors: int(row, "errors"),
            throttled: int(row, "throttled"),
            cold: int(row, "cold_starts"),
            p95_ns: row.get("duration_p95_ns").and_then(serde_json::Value::as_f64),
            cost: text(row, "list_cost").parse().ok(),
        }
    }
}

/// For sorting only.
fn rate(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Entry {
    fn memory(&self) -> Option<u32> {
        self.deployed.as_ref().map(|function| function.latest.spec.memory.0)
    }

    fn error_rate(&self) -> Option<f64> {
        rate(self.figures.errors, self.figures.calls)
    }

    fn throttle_rate(&self) -> Option<f64> {
        rate(self.figures.throttled, self.figures.calls + self.figures.throttled)
    }

    fn cold_rate(&self) -> Option<f64> {
        rate(self.figures.cold, self.figures.calls)
    }

    fn state(&self) -> &'static str {
        self.deployed.as_ref().map_or("removed", |function| function.latest.state.as_str())
    }

    /// Whether name, tenant or a tag holds this text, which is in small letters.
    pub(super) fn matches(&self, wanted: &str) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(wanted);
        let tags = self.deployed.iter().flat_map(|function| &function.latest.spec.tags);
        holds(&self.name)
            || holds(&self.tenant)
            || tags.into_iter().any(|(key, value)| holds(&format!("{key}:{value}")))
    }

    pub(super) fn shown(&self, common: &[Pair], line: Option<super::spark::Line>) -> Shown {
        let figures = &self.figures;
        let latest = self.deployed.as_ref().map(|function| &function.latest);
        let active = self.deployed.as_ref().and_then(|function| function.active.as_ref()).map(|active| active.version);
        let failed = latest.and_then(|latest| match &latest.state {
            VersionState::Failed(reason) => Some(reason.clone()),
            _ => None,
        });
        let own = common.iter().filter(|(name, _)| *name != "fn");
        Shown {
            name: self.name.clone(),
            href: range::href(&format!("/functions/{}", range::segment(&self.name)), own),
            tenant: self.tenant.clone(),
            state: self.state(),
            reason: failed,
            version: active.map_or_else(|| NONE.to_owned(), |active| format!("v{active}")),
            versions: latest
                .filter(|latest| Some(latest.version) != active)
                .map_or_else(String::new, |latest| format!("newest: v{}", latest.version)),
            limits: self.deployed.as_ref().map(limits).unwrap_or_default(),
            tags: latest.into_iter().flat_map(|latest| latest.spec.tags.clone()).collect(),
            calls: format::count(figures.calls),
            errors: format::count(figures.errors),
            error_rate: format::share(figures.errors, figures.calls),
            has_errors: figures.errors > 0,
            throttled: format::count(figures.throttled),
            throttle_rate: format::share(figures.throttled, figures.calls + figures.throttled),
            cold: format::count(figures.cold),
            cold_rate: format::share(figures.cold, figures.calls),
            p95: figures.p95_ns.map_or_else(|| NONE.to_owned(), |ns| format::duration(ns.round() as i64)),
            cost: figures.cost.map_or_else(
                || NONE.to_owned(),
                |cost| format!("{} {}", format::short_amount(&cost.to_string()), figures.currency),
            ),
            cost_exact: figures.cost.map(|cost| format!("{cost} {}", figures.currency)),
            line,
        }
    }
}

/// The limits of the version that calls run, or of the newest: memory first, those that are not set left out.
fn limits(function: &Function) -> Vec<String> {
    let spec = &function.active.as_ref().unwrap_or(&function.latest).spec;
    let mut limits = vec![spec.memory.to_string(), format::duration(nanos(spec.timeout))];
    limits.extend(spec.reserved_concurrency.map(|calls| format!("{calls} reserved")));
    limits.extend((spec.provisioned_concurrency > 0).then(|| format!("{} provisioned", spec.provisioned_concurrency)));
    limits.extend(spec.rate_per_s.map(|rate| format!("{rate}/s")));
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, calls: i64, cost: Option<&str>) -> Entry {
        let cost = cost.map(|cost| cost.parse().unwrap());
        let figures = Figures { calls, errors: 1, cost, currency: "USD".to_owned(), ..Figures::default() };
        Entry { name: name.to_owned(), tenant: "t".to_owned(), deployed: None, figures }
    }

    fn sorted(by: Sort, descending: bool) -> Vec<String> {
        let mut entries =
            vec![entry("a", 0, None), entry("b", 4, Some("0.00000000000000000000001")), entry("c", 2, Some("0"))];
        sort(&mut entries, by, descending);
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn what_has_no_value_comes_last() {
        assert_eq!(sorted(Sort::Cost, true), ["b", "c", "a"]);
        assert_eq!(sorted(Sort::Cost, false), ["c", "b", "a"]);
        assert_eq!(sorted(Sort::Errors, true), ["c", "b", "a"]);
        assert_eq!(sorted(Sort::Calls, false), ["a", "c", "b"]);
        assert_eq!(sorted(Sort::Name, true), ["c", "b", "a"]);
    }
}
