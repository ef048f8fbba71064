//! The records as they are stored, and what is counted of them here.

use std::collections::BTreeMap;

use crate::support::money;
use crate::support::rows::Row;
use crate::support::server::Server;

const MICROS: i64 = 1_000_000;

/// One record, as far as figures need it.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) at_us: i64,
    pub(super) id: String,
    pub(super) attempt: i64,
    pub(super) tenant: String,
    pub(super) function: String,
    pub(super) version: String,
    pub(super) region: String,
    pub(super) architecture: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) outcome: String,
    pub(super) throttle_reason: Option<String>,
    pub(super) is_cold: bool,
    pub(super) is_provisioned: bool,
    pub(super) load_ns: i64,
    pub(super) compile_ns: i64,
    pub(super) instantiate_ns: i64,
    pub(super) init_ns: i64,
    pub(super) duration_ns: i64,
    pub(super) felt_ns: i64,
    pub(super) billed_ms: i64,
    pub(super) memory_mb: i64,
    pub(super) peak_memory_bytes: i64,
    pub(super) concurrency: Option<i64>,
    /// In 10^-23.
    pub(super) list_cost: Option<i128>,
    pub(super) init_cost: Option<i128>,
}

impl Attempt {
    fn of(row: &Row) -> Self {
        let optional = |name: &str| row.get(name).as_str().map(str::to_owned);
        let amount = |name: &str| row.get(name).as_str().map(money::units);
        let tags = row.get("tags").as_object().expect("tags are a map");
        let outcome = row.text("outcome").to_owned();
        let has_run = !["throttled", "platform_error"].contains(&outcome.as_str());
        Self {
            at_us: row.int("at_us"),
            id: row.text("invocation_id").to_owned(),
            attempt: row.int("attempt"),
            tenant: row.text("tenant").to_owned(),
            function: row.text("function").to_owned(),
            version: row.text("version").to_owned(),
            region: row.text("region").to_owned(),
            architecture: row.text("architecture").to_owned(),
            tags: tags.iter().map(|(k, v)| (k.clone(), v.as_str().expect("text").to_owned())).collect(),
            throttle_reason: optional("throttle_reason"),
            is_cold: row.flag("cold") && has_run,
            is_provisioned: row.text("init_type") == "provisioned" && has_run,
            load_ns: row.int("load_ns"),
            compile_ns: row.int("compile_ns"),
            instantiate_ns: row.int("instantiate_ns"),
            init_ns: row.int("init_ns"),
            duration_ns: row.int("duration_ns"),
            felt_ns: row.felt_ns(),
            billed_ms: row.int("billed_ms"),
            memory_mb: row.int("memory_mb"),
            peak_memory_bytes: row.int("peak_memory_bytes"),
            concurrency: row.get("concurrency").as_i64(),
            list_cost: amount("list_cost"),
            init_cost: amount("init_cost"),
            outcome,
        }
    }

    /// Whether it counts as an invocation (INV).
    pub(super) fn has_run(&self) -> bool {
        !self.is("throttled") && !self.is("platform_error")
    }

    /// Whether it counts as an error (ERR).
    pub(super) fn has_failed(&self) -> bool {
        ["error", "timeout", "out_of_memory"].contains(&self.outcome.as_str())
    }

    pub(super) fn is(&self, outcome: &str) -> bool {
        self.outcome == outcome
    }

    pub(super) fn is_retry(&self) -> bool {
        self.has_run() && self.attempt > 1
    }

    /// What its cold start took before the handler.
    pub(super) fn cold_ns(&self) -> i64 {
        self.load_ns + self.compile_ns + self.instantiate_ns + self.init_ns
    }
}

/// All records.
pub(super) fn fetch(server: &Server) -> Vec<Attempt> {
    let sql = "SELECT CAST(started_at AS BIGINT) AS at_us, invocation_id, attempt, tenant, function, version, region, \
        architecture, tags, outcome, throttle_reason, cold, init_type, queue_ns, load_ns, compile_ns, instantiate_ns, \
        init_ns, duration_ns, billed_ms, memory_mb, peak_memory_bytes, concurrency, list_cost, init_cost \
        FROM invocations";
    server.sql(sql).iter().map(Attempt::of).collect()
}

/// What a page is filtered by.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    pub(super) tenant: Option<&'static str>,
    pub(super) function: Option<&'static str>,
    pub(super) version: Option<&'static str>,
    pub(super) region: Option<&'static str>,
    pub(super) tag: Option<(&'static str, &'static str)>,
}

/// What a page is asked for.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) from_us: i64,
    pub(super) to_us: i64,
    pub(super) step_s: i64,
    pub(super) filter: Filter,
}

impl Chosen {
    /// A range on whole steps that ends `before_s` before the step after `last_us`.
    pub(super) fn new(last_us: i64, length_s: i64, before_s: i64, step_s: i64, filter: Filter) -> Self {
        let end_s = (last_us.div_euclid(MICROS) - before_s).div_euclid(step_s) * step_s + step_s;
        let start_s = (end_s - length_s).div_euclid(step_s) * step_s;
        Self { from_us: start_s * MICROS, to_us: end_s * MICROS, step_s, filter }
    }

    pub(super) fn url(&self) -> String {
        let Filter { tenant, function, version, region, tag } = &self.filter;
        let mut url = format!("from={}&to={}&step={}s", self.from_us / 1_000, self.to_us / 1_000, self.step_s);
        for (name, value) in [("tenant", tenant), ("fn", function), ("ver", version), ("region", region)] {
            value.iter().for_each(|value| url += &format!("&{name}={value}"));
        }
        tag.iter().for_each(|(key, value)| url += &format!("&tag={key}:{value}"));
        url
    }

    /// Whether the filter lets it through, whenever it was.
    pub(super) fn filters(&self, attempt: &Attempt) -> bool {
        let Filter { tenant, function, version, region, tag } = &self.filter;
        let is = |wanted: &Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        is(tenant, &attempt.tenant)
            && is(function, &attempt.function)
            && is(version, &attempt.version)
            && is(region, &attempt.region)
            && tag.is_none_or(|(key, value)| attempt.tags.get(key).is_some_and(|found| found == value))
    }

    pub(super) fn takes(&self, attempt: &Attempt) -> bool {
        (self.from_us..self.to_us).contains(&attempt.at_us) && self.filters(attempt)
    }

    pub(super) fn length_s(&self) -> i64 {
        (self.to_us - self.from_us) / MICROS
    }

    /// The start of each bucket, µs.
    pub(super) fn buckets(&self) -> Vec<i64> {
        (0..self.length_s() / self.step_s).map(|n| self.from_us + n * self.step_s * MICROS).collect()
    }

    /// The attempts of each bucket.
    pub(super) fn by_bucket<'a>(&self, attempts: &[&'a Attempt]) -> Vec<Vec<&'a Attempt>> {
        let mut found = vec![Vec::new(); self.buckets().len()];
        for attempt in attempts {
            let place = (attempt.at_us - self.from_us) / (self.step_s * MICROS);
            found[usize::try_from(place).expect("in range")].push(*attempt);
        }
        found
    }
}

/// How many are so.
pub(super) fn count(attempts: &[&Attempt], is_so: impl Fn(&Attempt) -> bool) -> i64 {
    attempts.iter().filter(|attempt| is_so(attempt)).count().try_into().expect("few")
}

/// The exact list cost of those that are so.
pub(super) fn cost(attempts: &[&Attempt], is_so: impl Fn(&Attempt) -> bool) -> i128 {
    attempts.iter().filter(|attempt| is_so(attempt)).filter_map(|attempt| attempt.list_cost).sum()
}

pub(super) fn init_cost(attempts: &[&Attempt]) -> i128 {
    attempts.iter().filter_map(|attempt| attempt.init_cost).sum()
}

/// A rate; none where nothing could have been so.
pub(super) fn rate(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}

/// An amount as a fraction, for what is divided.
pub(super) fn real(amount: i128) -> f64 {
    amount as f64 / 1e23
}

/// The value that has a share `q` of the values before it.
pub(super) fn quantile(values: impl Iterator<Item = i64>, q: f64) -> Option<f64> {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    let rank = (q * values.len().saturating_sub(1) as f64) as usize;
    values.get(rank).map(|value| *value as f64)
}

/// The attempts by what `key` says of them.
pub(super) fn groups<'a, K: Ord>(
    attempts: &[&'a Attempt],
    key: impl Fn(&Attempt) -> K,
) -> BTreeMap<K, Vec<&'a Attempt>> {
    let mut found: BTreeMap<K, Vec<&Attempt>> = BTreeMap::new();
    attempts.iter().for_each(|attempt| found.entry(key(attempt)).or_default().push(attempt));
    found
}
