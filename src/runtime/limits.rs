//! Owns the counting of calls against their limits: exact, and never one over. It does not wait and does not queue.
//! One lock is held for the length of a look-up, so that what is counted and what is compared cannot come apart: a call
//! counts against its function, its tenant and the account, or against none of them.
//!
//! What a function has reserved, or provisioned where that is more, is set aside for it while a version of it is active:
//! other functions share what is left of the account's limit. A reservation is a cap as well; a function that has none
//! spills over into what is left. Where more is set aside than the account has, as after its limit was lowered, what is
//! left is 0 and the account's limit still holds.

mod bucket;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Config, Error};
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, ThrottleReason};

use bucket::Bucket;

/// When to try again where calls at once are the limit: nobody knows when one ends.
const SOON: Duration = Duration::from_secs(1);

/// How much is let through at once and in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Calls at once, at most; none is no limit, 0 stops.
    pub concurrency: Option<u32>,
    /// Calls admitted a second, at most, with a burst of one second's worth; none is no limit, 0 stops.
    pub rate_per_s: Option<u32>,
}

/// A call that was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// The limit that was reached; where several were, the function's comes first, then the tenant's, the account's, rates.
    pub reason: ThrottleReason,
    /// When a call may get through again: exact for rates, a guess (1 s) for calls at once.
    pub retry_after: Duration,
    /// Calls of the function that ran.
    pub concurrency: u32,
}

/// Counts calls.
pub(super) struct Limits {
    clock: Clock,
    account: Quota,
    tenant: Quota,
    tenants: BTreeMap<String, Quota>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    account: Count,
    tenants: HashMap<String, Count>,
    functions: HashMap<String, Count>,
    /// Places that are set aside and not in use, of all functions.
    unused: u32,
}

/// What is counted of one function or tenant, or of the account.
#[derive(Default)]
struct Count {
    running: u32,
    /// Places that nobody else may have.
    aside: u32,
    bucket: Option<Bucket>,
}

/// One call's place; dropping it gives it back.
pub(super) struct Permit {
    limits: Arc<Limits>,
    function: Arc<FunctionVersion>,
    /// Calls of the function that ran when this one began, itself included.
    pub(super) concurrency: u32,
}

impl Limits {
    pub(super) fn new(config: &Config, clock: Clock) -> Self {
        let account = Quota { concurrency: Some(config.account_concurrency), rate_per_s: config.account_rate_per_s };
        let (tenant, tenants) = (config.tenant, config.tenants.clone());
        Self { clock, account, tenant, tenants, counts: Mutex::default() }
    }

    /// Calls that hold a permit.
    pub(super) fn running(&self) -> u32 {
        self.lock().account.running
    }

    /// Whether what `spec` wants set aside is there, besides what other functions have.
    pub(super) fn check(&self, spec: &FunctionSpec) -> Result<(), Error> {
        let counts = self.lock();
        let others = counts.functions.iter().filter(|(name, _)| **name != spec.name);
        let taken: u64 = others.map(|(_, count)| u64::from(count.aside)).sum();
        let limit = self.account.concurrency.unwrap_or(u32::MAX);
        let left = u64::from(limit).saturating_sub(taken);
        let asked = aside(spec);
        if u64::from(asked) > left { Err(Error::SetAside { asked, left, limit }) } else { Ok(()) }
    }

    /// Sets aside what `spec` wants: a version of it is active now.
    pub(super) fn set_aside(&self, spec: &FunctionSpec) {
        self.lock().set_aside(&spec.name, aside(spec));
    }

    /// The function is gone: nothing is set aside for it any more.
    pub(super) fn release(&self, function: &str) {
        self.lock().set_aside(function, 0);
    }

    /// Forgets those that nothing is counted of.
    pub(super) fn sweep(&self) {
        let mut counts = self.lock();
        let now = self.clock.instant();
        counts.functions.retain(|_, count| count.matters(now));
        counts.tenants.retain(|_, count| count.matters(now));
    }

    /// The limits of a tenant: its own, and where it has none, those of every tenant.
    fn of_tenant(&self, name: &str) -> Quota {
        let own = self.tenants.get(name).copied().unwrap_or_default();
        Quota {
            concurrency: own.concurrency.or(self.tenant.concurrency),
            rate_per_s: own.rate_per_s.or(self.tenant.rate_per_s),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a place for one call of `function`, or says which limit is reached.
pub(super) fn admit(limits: &Arc<Limits>, function: &Arc<FunctionVersion>) -> Result<Permit, Throttled> {
    let spec = &function.spec;
    let quotas = [
        Quota { concurrency: spec.reserved_concurrency, rate_per_s: spec.rate_per_s },
        limits.of_tenant(&spec.tenant),
        limits.account,
    ];
    let mut counts = limits.lock();
    // Read under the lock, so that no bucket sees the time go back.
    let now = limits.clock.instant();
    let Counts { account, tenants, functions, unused } = &mut *counts;
    let of_function = entry(functions, &spec.name);
    let running = of_function.running;
    let kept_for_others = if of_function.unused() > 0 { 0 } else { *unused };
    let mut all = [of_function, entry(tenants, &spec.tenant), account];
    let reasons =
        [ThrottleReason::FunctionConcurrency, ThrottleReason::TenantConcurrency, ThrottleReason::AccountConcurrency];
    let kept = [0, 0, kept_for_others];
    for (((count, quota), kept), reason) in all.iter().zip(quotas).zip(kept).zip(reasons) {
        if quota.concurrency.is_some_and(|most| count.running.saturating_add(kept) >= most) {
            return Err(Throttled { reason, retry_after: SOON, concurrency: running });
        }
    }
    let waits = all.iter_mut().zip(quotas).filter_map(|(count, quota)| count.wait(quota.rate_per_s, now));
    if let Some(retry_after) = waits.max() {
        return Err(Throttled { reason: ThrottleReason::Rate, retry_after, concurrency: running });
    }
    let within_own = all[0].unused() > 0;
    *unused -= u32::from(within_own);
    for count in all {
        count.running += 1;
        if let Some(bucket) = &mut count.bucket {
            bucket.take();
        }
    }
    drop(counts);
    Ok(Permit { limits: Arc::clone(limits), function: Arc::clone(function), concurrency: running + 1 })
}

/// Places that nobody else may have while the function is active.
fn aside(spec: &FunctionSpec) -> u32 {
    spec.reserved_concurrency.unwrap_or(0).max(spec.provisioned_concurrency)
}

fn entry<'a>(counts: &'a mut HashMap<String, Count>, name: &str) -> &'a mut Count {
    // Nearly always there: a name is copied only where it is not.
    if !counts.contains_key(name) {
        counts.insert(name.to_owned(), Count::default());
    }
    counts.get_mut(name).expect("it was inserted where it was missing")
}

impl Counts {
    fn set_aside(&mut self, function: &str, places: u32) {
        let count = entry(&mut self.functions, function);
        let before = count.unused();
        count.aside = places;
        self.unused = (self.unused - before).saturating_add(count.unused());
    }
}

impl Count {
    /// Places set aside that are not in use.
    fn unused(&self) -> u32 {
        self.aside.saturating_sub(self.running)
    }

    /// How long until the rate lets a call through; none: now.
    fn wait(&mut self, rate: Option<u32>, now: Instant) -> Option<Duration> {
        let Some(rate) = rate else {
            self.bucket = None;
            return None;
        };
        self.bucket.get_or_insert_with(|| Bucket::full(rate, now)).wait(rate, now)
    }

    /// Whether a new one would be different.
    fn matters(&self, now: Instant) -> bool {
        self.running > 0 || self.aside > 0 || self.bucket.as_ref().is_some_and(|bucket| !bucket.is_full(now))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let spec = &self.function.spec;
        let mut counts = self.limits.lock();
        let Counts { account, tenants, functions, unused } = &mut *counts;
        account.running -= 1;
        entry(tenants, &spec.tenant).running -= 1;
        let of_function = entry(functions, &spec.name);
        of_function.running -= 1;
        *unused += u32::from(of_function.running < of_function.aside);
    }
}
