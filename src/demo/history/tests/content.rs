//! The rows that are made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::cost::PriceBooks;
use crate::demo::arrivals::Arrivals;
use crate::demo::traffic::Traffic;
use crate::model::{Invocation, LogRecord, Outcome, Records, Span, ThrottleReason, Usage};
use crate::units::{Megabytes, Money, Timestamp, nanos};

use super::{DAY_US, NOW_US, attempts, place, rows, traffic};

fn history(seed: u64, invocations: u64) -> (Arc<Traffic>, Records) {
    let traffic = traffic(seed, invocations);
    let attempts = attempts(&traffic, traffic.start_us, NOW_US);
    let records = rows(&traffic, &attempts);
    (traffic, records)
}

#[test]
fn seed_and_day_decide_every_row_and_the_moment_of_starting_only_where_they_end() {
    let (traffic, first) = history(5, 20_000);
    assert_eq!(first, history(5, 20_000).1);
    let early = attempts(&traffic, traffic.start_us, NOW_US - 3_600_000_000);
    let earlier = rows(&traffic, &early);
    assert_eq!(earlier.invocations[..], first.invocations[..early.len()]);
    assert!(early.len() < first.invocations.len());
    let other = history(6, 20_000).1;
    assert_ne!(first.invocations[0].invocation_id, other.invocations[0].invocation_id);
}

#[test]
fn there_are_as_many_as_asked_for_in_order_and_none_after_now() {
    let (traffic, records) = history(1, 60_000);
    let invocations = &records.invocations;
    let before_today = invocations.iter().filter(|row| row.started_at.micros() < NOW_US / DAY_US * DAY_US).count();
    assert!((59_000..63_500).contains(&before_today), "{before_today}");
    assert!(invocations.windows(2).all(|pair| pair[0].started_at < pair[1].started_at));
    assert!(
        invocations.iter().all(|row| row.started_at.micros() < NOW_US && row.started_at.micros() >= traffic.start_us)
    );
    let days: HashSet<i32> = invocations.iter().map(|row| row.started_at.days()).collect();
    assert_eq!(days.len(), 66);
    let ids: HashSet<_> = invocations.iter().map(|row| (&row.invocation_id, row.attempt)).collect();
    assert_eq!(ids.len(), invocations.len());
    let functions: HashSet<_> = invocations.iter().map(|row| row.function.as_str()).collect();
    assert_eq!(functions.len(), traffic.functions.len());
}

#[test]
fn every_row_is_billed_and_priced_as_the_executor_does() {
    let (traffic, records) = history(2, 40_000);
    let books = PriceBooks::embedded().expect("right");
    let book = books.get("aws-lambda").expect("embedded");
    let (mut sum, mut init_sum) = (Money::ZERO, Money::ZERO);
    for row in &records.invocations {
        let ran = row.outcome != Outcome::Throttled;
        let phases = row.phases.or_zero();
        assert_eq!(row.billed_ms, Some(if ran { phases.billed_ms() } else { 0 }));
        let usage = Usage {
            requests: u32::from(ran),
            billed_ms: row.billed_ms.expect("it is known"),
            memory: row.memory.expect("it is known"),
            ephemeral_storage: row.ephemeral_storage.expect("it is known"),
            streamed: row.streamed.expect("it is known"),
            cpu_ns: row.cpu_ns,
            architecture: row.architecture.expect("it is known"),
        };
        let price = book.list_price("eu-west-1", row.started_at, &usage).expect("it has one");
        assert_eq!((row.list_cost, &row.price_book), (Some(price.amount), &Some(price.price_book)));
        let without = Usage { billed_ms: phases.billed_ms_without_init(), ..usage };
        let init = if row.cold == Some(true) {
            price.amount.checked_sub(book.list_price("eu-west-1", row.started_at, &without).expect("one").amount)
        } else {
            Ok(Money::ZERO)
        };
        assert_eq!(row.init_cost, init.ok(), "{row:?}");
        init_sum = init_sum + row.init_cost.expect("it has one");
        assert_eq!(ran, row.environment_id.is_some() && row.throttle_reason.is_none() && row.runtime.is_some());
        assert_eq!(row.outcome.is_error(), row.error_type.is_some());
        assert!(row.peak_memory <= row.memory.map(Megabytes::bytes) && row.cpu_ns <= Some(nanos(phases.handler)));
        assert_eq!((row.region.as_deref(), &row.account), (Some("eu-west-1"), &Some(place().account)));
        let limit = traffic.functions.iter().find(|known| known.name() == row.function).map(|f| f.sample.spec.timeout);
        let ran_for = phases.init + phases.handler;
        assert_eq!(limit.is_some_and(|limit| ran_for > limit), row.outcome == Outcome::Timeout, "{row:?}");
        sum = sum + price.amount;
    }
    assert!(Money::ZERO < init_sum && init_sum < sum);
}

/// Told against an independent count: the calls whose time from admission to answer holds the moment.
#[test]
fn concurrency_is_the_number_of_calls_under_way() {
    let dense = traffic(8, 20_000_000);
    let hours = attempts(&dense, NOW_US - 6 * 3_600_000_000, NOW_US);
    for (records, at_least) in [(history(8, 200_000).1, 2), (rows(&dense, &hours), 4)] {
        let mut under_way: HashMap<&str, Vec<i64>> = HashMap::new();
        let mut most = 0;
        for row in &records.invocations {
            let ends = under_way.entry(row.function.as_str()).or_default();
            ends.retain(|end| *end > row.started_at.micros());
            if row.outcome != Outcome::Throttled {
                ends.push(row.started_at.plus(row.phases.or_zero().felt()).micros());
            }
            let running = u32::try_from(ends.len()).expect("few");
            assert_eq!(row.concurrency, Some(running), "{row:?}");
            most = most.max(running);
        }
        assert!(most >= at_least, "{most}");
    }
}

#[test]
fn environments_run_one_call_at_a_time_and_are_cold_once() {
    let (_, records) = history(3, 60_000);
    let mut used: HashMap<&str, Timestamp> = HashMap::new();
    let (mut cold, mut ran) = (0, 0);
    for row in records.invocations.iter().filter(|row| row.outcome != Outcome::Throttled) {
        let id = row.environment_id.as_ref().expect("it ran somewhere").0.as_str();
        let end = row.started_at.plus(row.phases.or_zero().felt());
        match used.insert(id, end) {
            None => assert_eq!(row.cold, Some(true), "the first call of an environment is cold: {row:?}"),
            Some(free) => {
                let idle = row.started_at.since(free);
                assert!(
                    row.cold == Some(false) && free.micros() <= row.started_at.micros() && idle < super::IDLE,
                    "{row:?}"
                );
            }
        }
        (cold, ran) = (cold + u32::from(row.cold == Some(true)), ran + 1);
    }
    let rate = f64::from(cold) / f64::from(ran);
    // Sixty thousand calls in two months are one in a minute and a half for twelve functions: many start cold.
    assert!((0.1..0.9).contains(&rate), "{rate}");
}

#[test]
fn the_cold_rate_of_the_usual_size_is_a_few_per_cent() {
    let traffic = traffic(1, 1_000_000);
    let week = attempts(&traffic, NOW_US - 7 * DAY_US, NOW_US);
    let ran = week.iter().filter(|attempt| attempt.throttled.is_none());
    let (cold, all) = ran.fold((0, 0), |(cold, all), attempt| (cold + u32::from(attempt.cold), all + 1));
    let rate = f64::from(cold) / f64::from(all);
    assert!((0.005..0.1).contains(&rate), "{rate}");
}

#[test]
fn spans_and_logs_hang_together_and_the_last_days_have_them_all() {
    let (traffic, records) = history(4, 40_000);
    let mut spans: HashMap<&str, Vec<&Span>> = HashMap::new();
    for span in &records.spans {
        spans.entry(span.invocation_id.as_deref().expect("each has one")).or_default().push(span);
    }
    let mut logs: HashMap<&str, Vec<&LogRecord>> = HashMap::new();
    for log in &records.logs {
        logs.entry(log.invocation_id.as_deref().expect("each has one")).or_default().push(log);
    }
    for row in &records.invocations {
        let (id, end) = (row.invocation_id.0.as_str(), row.started_at.plus(row.phases.or_zero().felt()));
        let recent = row.started_at.micros() >= traffic.traced_us && row.outcome != Outcome::Throttled;
        let Some(tree) = spans.get(id).map(|all| of(all, row)) else {
            assert!(!recent && !row.outcome.is_error(), "{row:?}");
            continue;
        };
        assert!(recent || row.outcome.is_error());
        assert_eq!((tree[0].start, tree[0].end, tree[0].parent_span_id), (row.started_at, end, None));
        let names: Vec<&str> = tree[1..].iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, row.phases.or_zero().took_time().map(|(name, _)| name).collect::<Vec<_>>());
        assert!(tree[1..].windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(tree.last().map(|last| last.end), Some(end));
        // Attempts at one event share its id, and not the span.
        for log in logs.get(id).into_iter().flatten().filter(|log| log.span_id == row.span_id) {
            assert!(row.started_at <= log.time && log.time <= end, "{log:?}");
        }
    }
    assert!(records.logs.len() > 1_000, "{}", records.logs.len());
}

/// The spans of one attempt, the root first.
fn of<'a>(all: &[&'a Span], row: &Invocation) -> Vec<&'a Span> {
    let own = |span: &&&Span| Some(span.span_id) == row.span_id || span.parent_span_id == row.span_id;
    all.iter().filter(own).copied().collect()
}

#[test]
fn every_incident_is_to_be_seen_in_the_rows() {
    let (traffic, records) = history(1, 400_000);
    for function in &traffic.functions {
        for incident in &function.incidents {
            let own = |row: &&&Invocation| row.function == function.name();
            let length = incident.to_us - incident.from_us;
            let during = |from: i64| {
                let within = move |row: &&Invocation| (from..from + length).contains(&row.started_at.micros());
                records.invocations.iter().filter(|row| within(row) && own(&row)).collect::<Vec<_>>()
            };
            let (now, day_before) = (during(incident.from_us), during(incident.from_us - 7 * DAY_US));
            let share = |rows: &[&Invocation], is: fn(&Invocation) -> bool| {
                rows.iter().filter(|row| is(row)).count() as f64 / rows.len().max(1) as f64
            };
            let bad = |row: &Invocation| row.outcome.is_error();
            let (errors, usual) = (share(&now, bad), share(&day_before, bad));
            let throttled = share(&now, |row| row.throttle_reason == Some(ThrottleReason::FunctionConcurrency));
            let again = now.iter().filter(|row| row.attempt == 3).count();
            let seen = errors > usual + 0.08 || throttled > 0.15 || now.len() > 2 * day_before.len();
            assert!(seen, "{} from {}: {errors} {usual} {throttled}", function.name(), incident.from_us);
            assert_eq!(incident.limit.is_some(), throttled > 0.1, "{throttled}");
            assert_eq!(incident.retry.is_some(), again > 3, "{again}");
        }
    }
    let costs = records
        .invocations
        .iter()
        .filter(|row| row.outcome == Outcome::Throttled)
        .all(|row| row.list_cost == Some(Money::ZERO) && row.billed_ms == Some(0) && row.http_status == Some(429));
    assert!(costs, "a throttled call costs nothing");
}

#[test]
fn one_functions_waits_grow_over_the_weeks() {
    let (_, records) = history(1, 300_000);
    let mean = |from_day: i64, to_day: i64| {
        let days = NOW_US - from_day * DAY_US..NOW_US - to_day * DAY_US;
        let of = |row: &&Invocation| {
            row.function == "search"
                && row.version.as_deref() == Some("3")
                && row.outcome == Outcome::Ok
                && days.contains(&row.started_at.micros())
        };
        let rows: Vec<_> = records.invocations.iter().filter(of).collect();
        rows.iter().map(|row| row.phases.or_zero().handler).sum::<Duration>().as_secs_f64() / rows.len() as f64
    };
    let (then, now) = (mean(22, 16), mean(6, 0));
    assert!((1.08..1.35).contains(&(now / then)), "{then} {now}");
}

/// The live load takes the arrivals behind the history's: the rate of the history's last hour, and what follows.
#[test]
fn the_live_load_goes_on_where_the_history_ends() {
    let traffic = traffic(1, 20_000_000);
    let hour = 3_600_000_000;
    let past = attempts(&traffic, NOW_US - hour, NOW_US);
    let mut live = Arrivals::from(NOW_US);
    let next: Vec<_> = std::iter::from_fn(|| live.next(&traffic, NOW_US + hour)).collect();
    let ratio = next.len() as f64 / past.len() as f64;
    assert!((0.85..1.2).contains(&ratio), "{ratio}");
    for function in 0..traffic.functions.len() {
        let (before, after): (Vec<_>, Vec<_>) = (
            past.iter().filter(|a| a.function == function).collect(),
            next.iter().filter(|a| a.function == function).collect(),
        );
        if before.len() > 500 {
            let ratio = after.len() as f64 / before.len() as f64;
            assert!((0.7..1.45).contains(&ratio), "{}: {ratio}", traffic.functions[function].name());
        }
    }
    // Drawn from the same hours, whatever the moment at which the history ends.
    let mut whole = Arrivals::from(NOW_US - hour);
    let all: Vec<_> = std::iter::from_fn(|| whole.next(&traffic, NOW_US + hour)).collect();
    assert_eq!(all[all.len() - next.len()..], next[..]);
    let expected = traffic.expected(NOW_US, NOW_US + hour);
    assert!((expected / next.len() as f64 - 1.0).abs() < 0.05, "{expected}");
    let tenfold = Traffic::times(&traffic, 10.0).expected(NOW_US, NOW_US + hour);
    assert!((tenfold / expected - 10.0).abs() < 1e-6);
}
