//! The tables of the rollup as SQL sees them: which one a query's `rollup` is, and the plan that makes rows of a rollup out
//! of the rows of `invocations`, one of each. Rollups that are made already are the store's.

mod check;

pub use check::rollup_check;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;

use crate::store::Rollup;

use super::header::Header;
use super::{Error, Param, Params, params};

/// The rollup that is resolved for the query at hand.
pub(super) const ROLLUP: &str = "rollup";

/// The names of all rollups.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [ROLLUP].into_iter().chain(Rollup::ALL.map(Rollup::name))
}

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;
const MICROS: i64 = 1_000_000;
/// The type of times.
const MICROSECONDS: &str = "Timestamp(Microsecond, Some(\"UTC\"))";
/// Steps of more than a day are as good as whole hours; longer ones are refused.
const LONGEST_STEP_S: i64 = 366 * 86_400;

/// How long the buckets of a rollup are, and which times it has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grain {
    /// Seconds.
    pub(super) step_s: i64,
    /// Microseconds since the epoch: first, and first not any more.
    pub(super) range: Option<(i64, i64)>,
}

impl Grain {
    pub(super) const MINUTE: Self = Self { step_s: MINUTE_S, range: None };
    pub(super) const HOUR: Self = Self { step_s: HOUR_S, range: None };

    /// Whether a statement that names these tables asks for `rollup`.
    pub(super) fn matters(tables: &[String]) -> bool {
        let is_rollup = |name: &String| name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(ROLLUP));
        tables.iter().any(is_rollup)
    }

    /// What `rollup` is for a query with these parameters: hours where `step`, `from` and `to` are whole hours, minutes
    /// where they are whole minutes or where one of them is missing, else steps of the rows within `from` and `to`.
    pub(super) fn of(header: &Header, given: &Params) -> Result<Self, Error> {
        let value = |name: &str| {
            let declared = header.param(name);
            given.get(name).or_else(|| declared.and_then(|param| param.default.as_ref()))
        };
        let (Some(from), Some(to), Some(step)) = (value("from"), value("to"), value("step")) else {
            return Ok(Self::MINUTE);
        };
        let (Some(from), Some(to)) = (micros("from", from)?, micros("to", to)?) else { return Ok(Self::MINUTE) };
        let Some(step_s) = seconds(step)? else { return Ok(Self::MINUTE) };
        let whole = |unit: i64| step_s % unit == 0 && [from, to].iter().all(|time| time % (unit * MICROS) == 0);
        Ok(match (whole(HOUR_S), whole(MINUTE_S)) {
            (true, _) => Self::HOUR,
            (false, true) => Self::MINUTE,
            (false, false) => Self { step_s, range: Some((from, to)) },
        })
    }

    /// The rollup that has it; none where rows are to be rolled up.
    pub(super) fn made(self) -> Option<Rollup> {
        match self {
            Self::MINUTE => Some(Rollup::Minute),
            Self::HOUR => Some(Rollup::Hour),
            _ => None,
        }
    }

    /// The start of a row's bucket. The first one of a range begins with it, wherever the step would.
    fn bucket(self) -> String {
        let start = format!("arrow_cast(date_bin(INTERVAL '{} seconds', started_at), '{MICROSECONDS}')", self.step_s);
        match self.range {
            Some((from, _)) => format!("greatest({start}, {})", time(from)),
            None => start,
        }
    }
}

/// A row of a rollup for each row of `invocations`, by the definitions; `state` must have that table. Columns that
/// are not there are null.
pub(super) async fn of_rows(state: &SessionState, grain: Grain, has: impl Fn(&str) -> bool) -> Result<LogicalPlan> {
    let range = match grain.range {
        Some((from, to)) => format!("WHERE started_at >= {} AND started_at < {}", time(from), time(to)),
        None => String::new(),
    };
    let or_null = |name: &str, kind: &str| match has(name) {
        true => format!("CAST({name} AS {kind})"),
        false => format!("CAST(NULL AS {kind})"),
    };
    let sql = include_str!("rollup/rows.sql")
        .replace("{bucket}", &grain.bucket())
        .replace("{range}", &range)
        .replace("{concurrency}", &or_null("concurrency", "BIGINT"))
        .replace("{init_cost}", &or_null("init_cost", "DECIMAL(38, 23)"));
    state.create_logical_plan(&sql).await
}

/// A row of `error_groups` for each failed row of `invocations`.
pub(super) async fn errors_of_rows(state: &SessionState) -> Result<LogicalPlan> {
    let sql = include_str!("rollup/errors.sql").replace("{bucket}", &Grain::HOUR.bucket());
    state.create_logical_plan(&sql).await
}

fn time(micros: i64) -> String {
    format!("arrow_cast({micros}, '{MICROSECONDS}')")
}

fn micros(name: &str, value: &Param) -> Result<Option<i64>, Error> {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match params::scalar(name, value, Some(&kind), None)? {
        ScalarValue::TimestampMicrosecond(micros, _) => Ok(micros),
        _ => Ok(None),
    }
}

fn seconds(value: &Param) -> Result<Option<i64>, Error> {
    let ScalarValue::Int64(step) = params::scalar("step", value, Some(&DataType::Int64), None)? else {
        return Ok(None);
    };
    match step {
        Some(step) if !(1..=LONGEST_STEP_S).contains(&step) => Err(Error::Invalid(format!(
            "the parameter $step is a number of seconds from 1 to {LONGEST_STEP_S}, and not {step}"
        ))),
        step => Ok(step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grain(from: &str, to: &str, step: i64) -> Result<Grain, Error> {
        let given = Params::from([
            ("from".to_owned(), Param::Text(from.to_owned())),
            ("to".to_owned(), Param::Text(to.to_owned())),
            ("step".to_owned(), Param::Int(step)),
        ]);
        Grain::of(&Header::default(), &given)
    }

    #[test]
    fn whole_hours_and_minutes_are_read_from_their_rollups() {
        let (one, two) = ("2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z");
        assert_eq!(grain(one, two, 3_600), Ok(Grain::HOUR));
        assert_eq!(grain(one, two, 86_400), Ok(Grain::HOUR));
        assert_eq!(grain(one, two, 300), Ok(Grain::MINUTE));
        assert_eq!(grain(one, "2026-03-01T02:01:00Z", 3_600), Ok(Grain::MINUTE));
        let second = grain(one, "2026-03-01T02:00:00.000001Z", 3_600).unwrap();
        assert_eq!((second.step_s, second.range.unwrap().1 % MICROS), (3_600, 1));
        assert_eq!(grain(one, two, 10).unwrap().step_s, 10);
        assert_eq!(Grain::of(&Header::default(), &Params::new()), Ok(Grain::MINUTE));
    }

    #[test]
    fn declared_defaults_count_and_wrong_values_are_named() {
        let header = Header::parse("-- param step: int = 10\n").unwrap();
        let given = Params::from(["from", "to"].map(|name| (name.to_owned(), Param::Text("2026-03-01".to_owned()))));
        assert_eq!(Grain::of(&header, &given).unwrap().step_s, 10);
        for step in [0, -60, LONGEST_STEP_S + 1] {
            let error = grain("2026-03-01", "2026-03-02", step).unwrap_err().to_string();
            assert!(error.ends_with(&format!("and not {step}")), "{error}");
        }
        let error = grain("soon", "2026-03-02", 60).unwrap_err().to_string();
        assert!(error.contains("soon"), "{error}");
    }
}
