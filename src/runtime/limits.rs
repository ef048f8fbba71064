//! Owns the counting of calls against their limits: exact, and never one over. It does not wait and does not queue.
//! One lock is held for the length of a look-up, so that what is counted and what is compared cannot come apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{FunctionSpec, ThrottleReason};

/// Counts running calls.
pub(super) struct Limits {
    account_concurrency: u32,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    account: u32,
    /// Functions that run; one that does not has no entry.
    functions: HashMap<String, u32>,
}

/// One call's place; dropping it gives it back.
pub(super) struct Permit {
    limits: Arc<Limits>,
    function: String,
}

impl Limits {
    pub(super) fn new(account_concurrency: u32) -> Self {
        Self { account_concurrency, running: Mutex::default() }
    }

    /// Calls that hold a permit.
    pub(super) fn running(&self) -> u32 {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).account
    }
}

/// Takes a place for one call of `function`, or says which limit is reached: the function's own is looked at first.
pub(super) fn admit(limits: &Arc<Limits>, function: &FunctionSpec) -> Result<Permit, ThrottleReason> {
    let mut running = limits.running.lock().unwrap_or_else(PoisonError::into_inner);
    let of_function = running.functions.get(&function.name).copied().unwrap_or(0);
    if function.reserved_concurrency.is_some_and(|most| of_function >= most) {
        return Err(ThrottleReason::FunctionConcurrency);
    }
    if running.account >= limits.account_concurrency {
        return Err(ThrottleReason::AccountConcurrency);
    }
    running.account += 1;
    match running.functions.get_mut(&function.name) {
        Some(count) => *count += 1,
        None => {
            running.functions.insert(function.name.clone(), 1);
        }
    }
    drop(running);
    Ok(Permit { limits: Arc::clone(limits), function: function.name.clone() })
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.limits.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.account -= 1;
        if let Some(count) = running.functions.get_mut(&self.function) {
            *count -= 1;
            if *count == 0 {
                running.functions.remove(&self.function);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::tests::spec;

    fn reserved(name: &str, most: Option<u32>) -> FunctionSpec {
        FunctionSpec { reserved_concurrency: most, ..spec(name) }
    }

    #[test]
    fn each_limit_turns_away_exactly_what_is_over_it() {
        let limits = Arc::new(Limits::new(3));
        let (own, free, stopped) = (reserved("own", Some(2)), reserved("free", None), reserved("stopped", Some(0)));
        assert_eq!(admit(&limits, &stopped).err(), Some(ThrottleReason::FunctionConcurrency));
        let first = admit(&limits, &own).unwrap();
        let second = admit(&limits, &own).unwrap();
        assert_eq!(admit(&limits, &own).err(), Some(ThrottleReason::FunctionConcurrency));
        let third = admit(&limits, &free).unwrap();
        assert_eq!(admit(&limits, &free).err(), Some(ThrottleReason::AccountConcurrency));
        drop(first);
        assert_eq!(limits.running(), 2);
        let fourth = admit(&limits, &own).unwrap();
        drop((second, third, fourth));
        assert_eq!(limits.running(), 0);
        assert!(limits.running.lock().unwrap().functions.is_empty());
    }

    #[test]
    fn many_threads_never_get_one_call_over() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let limits = Arc::new(Limits::new(7));
        let (now, most, admitted) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let function = reserved(&format!("f{}", thread % 2), Some(5));
                let (limits, now, most, admitted) = (&limits, &now, &most, &admitted);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        if let Ok(permit) = admit(limits, &function) {
                            admitted.fetch_add(1, Ordering::SeqCst);
                            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            std::hint::spin_loop();
                            now.fetch_sub(1, Ordering::SeqCst);
                            drop(permit);
                        }
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 7);
        assert!(admitted.load(Ordering::SeqCst) > 0);
        assert_eq!(limits.running(), 0);
    }
}
