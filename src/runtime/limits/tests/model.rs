//! The limits against a plain model, which remembers every call there was.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Quota, admit, aside};
use super::{limits, manual, version};
use crate::model::{FunctionSpec, FunctionVersion, ThrottleReason};
use crate::runtime::tests::spec;

#[derive(Debug, Clone)]
enum Step {
    Call { function: usize },
    End { which: usize },
    Activate { function: usize },
    Remove { function: usize },
    Advance { millis: u64 },
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..4_usize).prop_map(|function| Step::Call { function }),
        6 => (0..6_usize).prop_map(|which| Step::End { which }),
        1 => (0..4_usize).prop_map(|function| Step::Activate { function }),
        1 => (0..4_usize).prop_map(|function| Step::Remove { function }),
        4 => (0..400_u64).prop_map(|millis| Step::Advance { millis }),
        1 => Just(Step::Sweep),
    ]
}

const ACCOUNT: Quota = Quota { concurrency: Some(6), rate_per_s: Some(9) };
const TENANT: Quota = Quota { concurrency: Some(4), rate_per_s: None };
const OTHER: Quota = Quota { concurrency: None, rate_per_s: Some(5) };

fn functions() -> [Arc<FunctionVersion>; 4] {
    let other = || "other".to_owned();
    [
        FunctionSpec { reserved_concurrency: Some(2), ..spec("reserved") },
        FunctionSpec { provisioned_concurrency: 2, rate_per_s: Some(4), ..spec("provisioned") },
        FunctionSpec { tenant: other(), ..spec("free") },
        FunctionSpec { tenant: other(), reserved_concurrency: Some(3), provisioned_concurrency: 1, ..spec("both") },
    ]
    .map(version)
}

/// Every call that was admitted: which function's, when in ms, and whether it still runs.
#[derive(Default)]
struct Model {
    calls: Vec<(usize, u64, bool)>,
    aside: [u32; 4],
    now: u64,
}

impl Model {
    fn running(&self, of: impl Fn(usize) -> bool) -> u32 {
        u32::try_from(self.calls.iter().filter(|(function, _, runs)| *runs && of(*function)).count()).unwrap()
    }

    /// Whether one more call keeps every span of time, up to now, to its burst and rate.
    fn rate_lets(&self, rate: Option<u32>, of: impl Fn(usize) -> bool) -> bool {
        let Some(rate) = rate.map(u64::from) else { return true };
        let times: Vec<u64> = self.calls.iter().filter(|(f, ..)| of(*f)).map(|(_, at, _)| *at).collect();
        let spans = times.iter().enumerate();
        rate > 0
            && spans.into_iter().all(|(n, at)| (times.len() - n + 1) as u64 * 1_000 <= rate * (1_000 + self.now - at))
    }

    fn expects(&self, call: usize, functions: &[Arc<FunctionVersion>; 4]) -> Result<(), ThrottleReason> {
        let spec = &functions[call].spec;
        let own = |function: usize| function == call;
        let same_tenant = |function: usize| functions[function].spec.tenant == spec.tenant;
        let quota = if spec.tenant == "other" {
            Quota { concurrency: OTHER.concurrency.or(TENANT.concurrency), ..OTHER }
        } else {
            TENANT
        };
        let unused = |f: usize| self.aside[f].saturating_sub(self.running(|function| function == f));
        let kept = if unused(call) > 0 { 0 } else { (0..4).map(unused).sum() };
        if spec.reserved_concurrency.is_some_and(|most| self.running(own) >= most) {
            return Err(ThrottleReason::FunctionConcurrency);
        }
        if quota.concurrency.is_some_and(|most| self.running(same_tenant) >= most) {
            return Err(ThrottleReason::TenantConcurrency);
        }
        if self.running(|_| true) + kept >= ACCOUNT.concurrency.unwrap() {
            return Err(ThrottleReason::AccountConcurrency);
        }
        let lets = self.rate_lets(spec.rate_per_s, own)
            && self.rate_lets(quota.rate_per_s, same_tenant)
            && self.rate_lets(ACCOUNT.rate_per_s, |_| true);
        if lets { Ok(()) } else { Err(ThrottleReason::Rate) }
    }
}

fn run(steps: Vec<Step>) {
    let clock = manual();
    let limits = limits(&clock, |config| {
        config.account_concurrency = ACCOUNT.concurrency.unwrap();
        config.account_rate_per_s = ACCOUNT.rate_per_s;
        config.tenant = TENANT;
        config.tenants.insert("other".to_owned(), OTHER);
    });
    let functions = functions();
    let (mut model, mut held) = (Model::default(), Vec::new());
    for step in steps {
        match step {
            Step::Call { function } => {
                let admitted = admit(&limits, &functions[function]);
                let decided = admitted.as_ref().map(|_| ()).map_err(|throttled| throttled.reason);
                assert_eq!(decided, model.expects(function, &functions));
                let own = model.running(|other| other == function);
                let told =
                    admitted.as_ref().map_or_else(|throttled| throttled.concurrency, |permit| permit.concurrency);
                assert_eq!(told, own + u32::from(admitted.is_ok()));
                if let Ok(permit) = admitted {
                    held.push((permit, model.calls.len()));
                    model.calls.push((function, model.now, true));
                }
            }
            Step::End { which } if which < held.len() => {
                let (permit, call) = held.remove(which);
                drop(permit);
                model.calls[call].2 = false;
            }
            Step::End { .. } => {}
            Step::Activate { function } => {
                limits.set_aside(&functions[function].spec);
                model.aside[function] = aside(&functions[function].spec);
            }
            Step::Remove { function } => {
                limits.release(&functions[function].spec.name);
                model.aside[function] = 0;
            }
            Step::Advance { millis } => {
                clock.advance(Duration::from_millis(millis));
                model.now += millis;
            }
            Step::Sweep => limits.sweep(),
        }
        assert_eq!(limits.running(), model.running(|_| true));
        assert!(limits.running() <= ACCOUNT.concurrency.unwrap());
    }
    drop(held);
    functions.iter().for_each(|function| limits.release(&function.spec.name));
    clock.advance(Duration::from_secs(1));
    limits.sweep();
    let counts = limits.lock();
    assert!(
        counts.functions.is_empty() && counts.tenants.is_empty() && counts.unused == 0 && counts.account.running == 0
    );
}

proptest! {
    #[test]
    fn the_limits_do_what_the_model_does(steps in prop::collection::vec(step(), 1..150)) {
        run(steps);
    }
}
