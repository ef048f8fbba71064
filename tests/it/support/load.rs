//! Callers that go on until they are told, or until the server is gone, and remember every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;

use super::http::{Connection, Request};

/// How far the callers are; read while they go on.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Calls sent.
    pub(crate) begun: AtomicI64,
    /// Calls answered.
    pub(crate) answered: AtomicI64,
    stop: AtomicBool,
}

/// Callers at work.
pub(crate) struct Load {
    pub(crate) progress: Arc<Progress>,
    callers: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Starts `callers` of the function `name`, each on a connection of its own.
    pub(crate) fn begin(address: SocketAddr, name: &str, callers: usize) -> Self {
        let progress = Arc::new(Progress::default());
        let target = format!("/api/v1/functions/{name}/invocations");
        let call = |_| {
            let (progress, target) = (Arc::clone(&progress), target.clone());
            std::thread::spawn(move || call(address, &target, &progress))
        };
        let callers = (0..callers).map(call).collect();
        Self { progress, callers }
    }

    /// Lets each finish its call; the ids of all that were answered.
    pub(crate) fn end(self) -> Vec<String> {
        self.progress.stop.store(true, Ordering::SeqCst);
        self.join()
    }

    /// Waits for callers whose server is gone; the ids of all that were answered.
    pub(crate) fn join(self) -> Vec<String> {
        self.callers.into_iter().flat_map(|caller| caller.join().expect("a caller does not panic")).collect()
    }
}

fn call(address: SocketAddr, target: &str, progress: &Progress) -> Vec<String> {
    let mut ids = Vec::new();
    let Ok(mut connection) = Connection::open(address) else { return ids };
    while !progress.stop.load(Ordering::SeqCst) {
        let payload = format!("call {}", progress.begun.fetch_add(1, Ordering::SeqCst));
        let Ok(response) = connection.send(&Request::post(target, payload.as_str())) else { break };
        assert_eq!((response.status, response.text()), (200, payload.as_str()));
        ids.push(response.invocation_id().to_owned());
        progress.answered.fetch_add(1, Ordering::SeqCst);
    }
    ids
}
