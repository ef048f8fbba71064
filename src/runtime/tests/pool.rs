//! The pool against a plain model, under random sequences of what can happen to it. The model knows by name which
//! environment each call is to get, so that none is handed out twice and none is lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::spec;
use crate::clock::Clock;
use crate::model::{FunctionSpec, FunctionVersion, VersionState};
use crate::runtime::Provisioned;
use crate::runtime::environment::Environment;
use crate::runtime::pool::{Place, Pool, Taken, Version};
use crate::units::{EnvironmentId, Timestamp};

const IDLE: Duration = Duration::from_secs(10);
const MOST: u32 = 4;
const FUNCTIONS: usize = 2;
/// Provisioned environments of the versions 1, 2 and 3.
const WANTED: [u32; 3] = [2, 3, 0];

#[derive(Debug, Clone)]
enum Step {
    Take {
        function: usize,
        version: u32,
    },
    GiveBack {
        which: usize,
    },
    /// The guest failed, or the environment is for one call only.
    End {
        which: usize,
    },
    Activate {
        function: usize,
        version: u32,
    },
    Remove {
        function: usize,
    },
    /// A version's task begins to start an environment, and later it is started, or fails to.
    Claim {
        which: usize,
    },
    Started {
        which: usize,
    },
    Failed {
        which: usize,
    },
    Advance {
        seconds: u64,
    },
    Reap,
}

fn step() -> impl Strategy<Value = Step> {
    let (function, version, which) = (0..FUNCTIONS, 1..4_u32, 0..6_usize);
    prop_oneof![
        6 => (function.clone(), version.clone()).prop_map(|(function, version)| Step::Take { function, version }),
        5 => which.clone().prop_map(|which| Step::GiveBack { which }),
        2 => which.clone().prop_map(|which| Step::End { which }),
        2 => (function.clone(), version).prop_map(|(function, version)| Step::Activate { function, version }),
        1 => function.prop_map(|function| Step::Remove { function }),
        5 => (0..3_usize).prop_map(|which| Step::Claim { which }),
        5 => which.clone().prop_map(|which| Step::Started { which }),
        1 => which.prop_map(|which| Step::Failed { which }),
        2 => (0..8_u64).prop_map(|seconds| Step::Advance { seconds }),
        1 => Just(Step::Reap),
    ]
}

type Key = (usize, u32);

/// What there is by the model.
#[derive(Default)]
struct Model {
    /// What waits: the oldest first, each with its key, name and the second since when.
    idle: Vec<(Key, String, u64)>,
    /// Provisioned environments that wait, of versions that are active.
    waiting: HashMap<Key, Vec<String>>,
    spillovers: [u64; FUNCTIONS],
    busy: Vec<Busy>,
    starting: Vec<Starting>,
    /// Versions that have provisioned environments, one for each activation.
    tasks: Vec<Task>,
    now: u64,
    named: u64,
}

struct Busy {
    key: Key,
    version: Arc<Version>,
    environment: Environment,
    retired: bool,
}

struct Starting {
    version: Arc<Version>,
    place: Place,
}

struct Task {
    key: Key,
    version: Arc<Version>,
    retired: bool,
}

impl Model {
    fn fresh(&self, since: u64) -> bool {
        self.now - since < IDLE.as_secs()
    }

    fn name(&mut self) -> EnvironmentId {
        self.named += 1;
        EnvironmentId(self.named.to_string())
    }

    /// The name of what `take` is to give: a provisioned one, else the youngest of its key, if that is fresh; then none
    /// older is kept either.
    fn take(&mut self, key: Key) -> Option<String> {
        if let Some(waiting) = self.waiting.get_mut(&key) {
            if let Some(name) = waiting.pop() {
                return Some(name);
            }
            self.spillovers[key.0] += 1;
        }
        let at = self.idle.iter().rposition(|(of, ..)| *of == key)?;
        if self.fresh(self.idle[at].2) {
            return Some(self.idle.remove(at).1);
        }
        self.idle.retain(|(of, ..)| *of != key);
        None
    }

    fn retire(&mut self, gone: impl Fn(&Key) -> bool) {
        self.idle.retain(|(key, ..)| !gone(key));
        self.waiting.retain(|key, _| !gone(key));
        self.busy.iter_mut().filter(|busy| gone(&busy.key)).for_each(|busy| busy.retired = true);
        self.tasks.iter_mut().filter(|task| gone(&task.key)).for_each(|task| task.retired = true);
    }

    fn give_back(&mut self, pool: &Pool, busy: Busy) {
        let Busy { key, version, environment, retired } = busy;
        let name = environment.id.0.clone();
        match (retired, environment.is_provisioned()) {
            (true, _) => {}
            (false, true) => self.waiting.get_mut(&key).expect("its version is active").push(name),
            (false, false) => self.idle.push((key, name, self.now)),
        }
        pool.give_back(&version, environment);
        if self.idle.len() > MOST as usize {
            self.idle.remove(0);
        }
    }

    /// Environments of one activation: waiting, busy, and being started.
    fn held(&self, task: &Task) -> (usize, usize, usize) {
        let same = |version: &Arc<Version>| Arc::ptr_eq(version, &task.version);
        let busy = self.busy.iter().filter(|busy| busy.environment.is_provisioned() && same(&busy.version)).count();
        let starting = self.starting.iter().filter(|starting| same(&starting.version)).count();
        let waiting = if task.retired { 0 } else { self.waiting.get(&task.key).map_or(0, Vec::len) };
        (waiting, busy, starting)
    }

    fn claim(&mut self, which: usize) {
        let Some(task) = self.tasks.get(which) else { return };
        let (waiting, busy, starting) = self.held(task);
        let places = task.version.places().expect("it has places");
        let place = places.claim();
        assert_eq!(place.is_some(), waiting + busy + starting < places.wanted as usize);
        let version = Arc::clone(&task.version);
        self.starting.extend(place.map(|place| Starting { version, place }));
    }

    fn started(&mut self, pool: &Pool, which: usize) {
        if which >= self.starting.len() {
            return;
        }
        let Starting { version, place } = self.starting.remove(which);
        let task = self.tasks.iter().find(|task| Arc::ptr_eq(&task.version, &version)).expect("a task started it");
        let (key, retired) = (task.key, task.retired);
        let environment = Environment { id: self.name(), guest: None, place: Some(place.fill()) };
        if !retired {
            self.waiting.get_mut(&key).expect("its version is active").push(environment.id.0.clone());
        }
        pool.give_back(&version, environment);
    }

    fn check(&self, pool: &Pool) {
        assert_eq!(pool.idle(), self.idle.len());
        assert!(pool.idle() <= MOST as usize);
        let active = self.tasks.iter().filter(|task| !task.retired);
        let mut expected: Vec<Provisioned> = active
            .map(|task| {
                let (waiting, busy, starting) = self.held(task);
                let wanted = WANTED[task.key.1 as usize - 1];
                assert!(waiting + busy + starting <= wanted as usize, "never more than are wanted");
                let count = |n: usize| u32::try_from(n).unwrap();
                let (ready, in_use) = (count(waiting + busy), count(busy));
                let spillovers = self.spillovers[task.key.0];
                Provisioned { function: format!("f{}", task.key.0), wanted, ready, in_use, spillovers }
            })
            .collect();
        expected.sort_by(|a, b| a.function.cmp(&b.function));
        assert_eq!(pool.provisioned(), expected);
        for of in &expected {
            assert_eq!(pool.provisioned_of(&of.function).as_ref(), Some(of));
        }
    }

    /// Everything ends: nothing may be left.
    fn end(mut self, pool: &Pool) {
        self.busy.clear();
        self.starting.clear();
        pool.clear();
        assert!(pool.is_empty() && pool.idle() == 0);
        for task in &self.tasks {
            let places = task.version.places().expect("it has places");
            assert_eq!(places.ready(), 0);
            let free: Vec<_> = std::iter::from_fn(|| places.claim()).collect();
            assert_eq!(free.len(), places.wanted as usize, "every place is free again");
            assert_eq!(Arc::strong_count(&task.version), 1, "only the task knows of it");
            assert!(task.version.is_retired());
        }
    }
}

fn run(steps: Vec<Step>) {
    let clock = Clock::manual(Timestamp::from_micros(1));
    let pool = Pool::new(clock.clone(), IDLE, MOST);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Take { function, version } => {
                let key = (function, version);
                let expected = model.take(key);
                let Taken { version, environment } = pool.take(&deployed(key));
                assert_eq!(environment.as_ref().map(|environment| environment.id.0.clone()), expected);
                let environment = environment.unwrap_or_else(|| Environment::on_demand(model.name()));
                model.busy.push(Busy { key, version, environment, retired: false });
            }
            Step::GiveBack { which } if which < model.busy.len() => {
                let busy = model.busy.remove(which);
                model.give_back(&pool, busy);
            }
            Step::End { which } if which < model.busy.len() => drop(model.busy.remove(which)),
            Step::GiveBack { .. } | Step::End { .. } => {}
            Step::Activate { function, version } => {
                let key = (function, version);
                model.retire(|of| of.0 == function && of.1 != version);
                let to_fill = pool.activate(&deployed(key));
                let again = model.waiting.contains_key(&key);
                assert_eq!(to_fill.is_some(), WANTED[version as usize - 1] > 0 && !again);
                if let Some(version) = to_fill {
                    model.waiting.insert(key, Vec::new());
                    model.tasks.push(Task { key, version, retired: false });
                }
            }
            Step::Remove { function } => {
                pool.remove(&format!("f{function}"));
                model.retire(|of| of.0 == function);
                model.spillovers[function] = 0;
            }
            Step::Claim { which } => {
                // The newest tasks are the ones that matter most.
                let newest = model.tasks.len().wrapping_sub(1 + which);
                model.claim(newest);
            }
            Step::Started { which } => model.started(&pool, which),
            Step::Failed { which } if which < model.starting.len() => drop(model.starting.remove(which)),
            Step::Failed { .. } => {}
            Step::Advance { seconds } => {
                clock.advance(Duration::from_secs(seconds));
                model.now += seconds;
            }
            Step::Reap => {
                pool.reap();
                model.idle = model.idle.iter().filter(|(.., since)| model.fresh(*since)).cloned().collect();
            }
        }
        model.check(&pool);
    }
    model.end(&pool);
}

fn deployed((function, version): Key) -> FunctionVersion {
    let provisioned_concurrency = WANTED[version as usize - 1];
    FunctionVersion {
        spec: FunctionSpec { provisioned_concurrency, ..spec(&format!("f{function}")) },
        version,
        sha256: "0".repeat(64),
        state: VersionState::Active,
        deployed_at: Timestamp::from_micros(1),
    }
}

proptest! {
    #[test]
    fn the_pool_does_what_the_model_does(steps in prop::collection::vec(step(), 1..120)) {
        run(steps);
    }
}
