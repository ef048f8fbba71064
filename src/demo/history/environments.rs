//! Owns the simulated execution environments of one function: a call takes an idle one, or starts one. What the start
//! costs is the recipe's.

/// Environments of one function that were used and have not expired.
#[derive(Debug, Clone, Default)]
pub(super) struct Environments(Vec<Environment>);

#[derive(Debug, Clone, Copy)]
struct Environment {
    id: u128,
    version: usize,
    /// When its call is over, µs since the epoch.
    free_us: i64,
}

/// Of an environment that takes no call any more.
const NO_VERSION: usize = usize::MAX;

/// The environment that a call takes.
pub(super) struct Taken {
    pub(super) id: u128,
    /// Whether the call is its first.
    pub(super) cold: bool,
    at: usize,
}

impl Environments {
    /// Forgets what is of no use any more: idle for too long, or idle and of another version.
    pub(super) fn expire(&mut self, now_us: i64, version: usize, idle_us: i64) {
        self.0.retain(|known| known.free_us > now_us || (known.version == version && known.free_us + idle_us > now_us));
    }

    /// Calls that are under way.
    pub(super) fn busy(&self, now_us: i64) -> usize {
        self.0.iter().filter(|known| known.free_us > now_us).count()
    }

    /// Takes the idle one that was used last, as the executor does, or starts one, which `id` is for.
    pub(super) fn take(&mut self, now_us: i64, version: usize, id: impl FnOnce() -> u128) -> Taken {
        let idle = |known: &&Environment| known.version == version && known.free_us <= now_us;
        let last_used = self.0.iter().filter(idle).map(|known| known.free_us).max();
        if let Some(at) = self.0.iter().position(|known| idle(&known) && Some(known.free_us) == last_used) {
            return Taken { id: self.0[at].id, cold: false, at };
        }
        let id = id();
        self.0.push(Environment { id, version, free_us: i64::MAX });
        Taken { id, cold: true, at: self.0.len() - 1 }
    }

    /// Says when the call in it is over, and whether it can take another one.
    pub(super) fn release(&mut self, taken: &Taken, free_us: i64, reusable: bool) {
        let environment = &mut self.0[taken.at];
        environment.free_us = free_us;
        if !reusable {
            environment.version = NO_VERSION;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: i64 = 100;

    fn call(environments: &mut Environments, at: i64, length: i64, version: usize, id: u128) -> (u128, bool) {
        environments.expire(at, version, IDLE);
        let taken = environments.take(at, version, || id);
        environments.release(&taken, at + length, true);
        (taken.id, taken.cold)
    }

    #[test]
    fn calls_at_once_need_environments_of_their_own_and_later_ones_take_the_last_used() {
        let mut environments = Environments::default();
        assert_eq!(call(&mut environments, 0, 10, 0, 1), (1, true));
        assert_eq!(call(&mut environments, 5, 10, 0, 2), (2, true));
        assert_eq!(environments.busy(9), 2);
        assert_eq!(call(&mut environments, 20, 10, 0, 3), (2, false));
        assert_eq!(call(&mut environments, 21, 10, 0, 4), (1, false));
    }

    #[test]
    fn an_environment_expires_when_it_was_idle_for_too_long_or_is_of_an_old_version() {
        let mut environments = Environments::default();
        assert_eq!(call(&mut environments, 0, 10, 0, 1), (1, true));
        assert_eq!(call(&mut environments, 109, 10, 0, 2), (1, false));
        assert_eq!(call(&mut environments, 219, 10, 0, 3), (3, true));
        assert_eq!(call(&mut environments, 240, 10, 1, 4), (4, true));
        assert_eq!(environments.0.len(), 1);
    }
}
