//! The pool against a plain model, under random sequences of what can happen to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::spec;
use crate::clock::Clock;
use crate::model::{FunctionVersion, VersionState};
use crate::runtime::environment::Environment;
use crate::runtime::pool::{Pool, Version};
use crate::units::{EnvironmentId, Timestamp};

const IDLE: Duration = Duration::from_secs(10);
const MOST: u32 = 4;

#[derive(Debug, Clone)]
enum Step {
    Take { function: usize, version: u32 },
    GiveBack { which: usize },
    Retire { function: usize, keep: Option<u32> },
    Advance { seconds: u64 },
    Reap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize, 1..3_u32).prop_map(|(function, version)| Step::Take { function, version }),
        4 => (0..8_usize).prop_map(|which| Step::GiveBack { which }),
        1 => (0..2_usize, prop::option::of(1..3_u32)).prop_map(|(function, keep)| Step::Retire { function, keep }),
        2 => (0..8_u64).prop_map(|seconds| Step::Advance { seconds }),
        1 => Just(Step::Reap),
    ]
}

/// What is idle by the model: the oldest first, each with its key, name and the second since when.
#[derive(Default)]
struct Model {
    idle: Vec<((usize, u32), String, u64)>,
    busy: Vec<Busy>,
    now: u64,
    started: u64,
}

struct Busy {
    key: (usize, u32),
    version: Arc<Version>,
    environment: Environment,
    retired: bool,
}

impl Model {
    fn fresh(&self, since: u64) -> bool {
        self.now - since < IDLE.as_secs()
    }

    /// The name of what `take` is to give: the youngest of its key, if that is fresh; then none older is kept either.
    fn take(&mut self, key: (usize, u32)) -> Option<String> {
        let at = self.idle.iter().rposition(|(of, ..)| *of == key)?;
        if self.fresh(self.idle[at].2) {
            return Some(self.idle.remove(at).1);
        }
        self.idle.retain(|(of, ..)| *of != key);
        None
    }
}

fn run(steps: Vec<Step>) {
    let clock = Clock::manual(Timestamp::from_micros(1));
    let pool = Pool::new(clock.clone(), IDLE, MOST);
    let mut versions = HashMap::new();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Take { function, version } => {
                let key = (function, version);
                let expected = model.take(key);
                let (version, taken) = pool.take(versions.entry(key).or_insert_with(|| deployed(function, version)));
                assert_eq!(taken.as_ref().map(|environment| environment.id.0.clone()), expected);
                let environment = taken.unwrap_or_else(|| {
                    model.started += 1;
                    Environment { id: EnvironmentId(model.started.to_string()), guest: None }
                });
                model.busy.push(Busy { key, version, environment, retired: false });
            }
            Step::GiveBack { which } if which < model.busy.len() => {
                let Busy { key, version, environment, retired } = model.busy.remove(which);
                if !retired {
                    model.idle.push((key, environment.id.0.clone(), model.now));
                }
                pool.give_back(&version, environment);
                if model.idle.len() > MOST as usize {
                    model.idle.remove(0);
                }
            }
            Step::GiveBack { .. } => {}
            Step::Retire { function, keep } => {
                pool.retire(&format!("f{function}"), keep);
                let gone = |key: &(usize, u32)| key.0 == function && Some(key.1) != keep;
                model.idle.retain(|(key, ..)| !gone(key));
                model.busy.iter_mut().filter(|busy| gone(&busy.key)).for_each(|busy| busy.retired = true);
            }
            Step::Advance { seconds } => {
                clock.advance(Duration::from_secs(seconds));
                model.now += seconds;
            }
            Step::Reap => {
                pool.reap();
                let kept = model.idle.iter().filter(|(.., since)| model.fresh(*since)).cloned().collect();
                model.idle = kept;
            }
        }
        assert_eq!(pool.idle(), model.idle.len());
        assert!(pool.idle() <= MOST as usize);
    }
}

fn deployed(function: usize, version: u32) -> FunctionVersion {
    FunctionVersion {
        spec: spec(&format!("f{function}")),
        version,
        sha256: "0".repeat(64),
        state: VersionState::Active,
        deployed_at: Timestamp::from_micros(1),
    }
}

proptest! {
    #[test]
    fn the_pool_does_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        run(steps);
    }
}
