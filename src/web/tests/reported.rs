//! What others report says less than what runs here: pages show a dash for what is not known, never 0.

use std::time::Duration;

use super::App;
use crate::model::{Invocation, Records};
use crate::units::{InvocationId, Megabytes, TraceId};

impl App {
    /// An invocation of which next to nothing is known, and one as AWS Lambda reports it.
    async fn reported(&self) {
        let at = self.state.clock.now().minus(Duration::from_secs(60));
        let bare = Invocation {
            trace_id: TraceId::from_bytes([5; 16]),
            ..Invocation::reported("otlp", InvocationId("bare".to_owned()), "default", "theirs", at)
        };
        let mut lambda = Invocation::reported("aws-lambda", InvocationId("lambda".to_owned()), "default", "theirs", at);
        lambda.phases.handler = Some(Duration::from_millis(127));
        lambda.billed_ms = Some(128);
        lambda.memory = Some(Megabytes(2_048));
        lambda.cold = Some(false);
        let records = Records { invocations: vec![bare, lambda], ..Records::default() };
        self.state.store.reserve(crate::store::size_of(&records)).unwrap().append(records).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_a_dash() {
    let app = App::new().await;
    app.reported().await;
    let list = app.get("/invocations").await.text().to_owned();
    let row =
        |id: &str| list.split("<tr>").find(|row| row.contains(&format!("/invocations/{id}\""))).unwrap().to_owned();
    let bare = row("bare");
    assert!(
        !bare.contains("0 ms") && !bare.contains("0 ns") && !bare.contains("0 MB") && !bare.contains(">v<"),
        "{bare}"
    );
    assert!(bare.contains("— <span class=\"note\">of —</span>"), "{bare}");
    let lambda = row("lambda");
    for part in ["127 ms", "128 ms", "— <span class=\"note\">of 2048 MB</span>", "warm"] {
        assert!(lambda.contains(part), "{part}: {lambda}");
    }
    let page = app.get("/invocations/bare").await.text().to_owned();
    for part in ["How long it took is not known", "handler —", "CPU —", "— in, — out", "It has no price"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(">0 ms") && !page.contains("0 MB") && !page.contains("cold</span>"), "{page}");
    let page = app.get("/invocations/lambda").await.text().to_owned();
    for part in ["127 ms", "handler 127.000000 ms, rounded up", "128 ms as the record gives them"] {
        assert_eq!(page.contains(part), !part.ends_with("rounded up"), "{part}: {page}");
    }
    let functions = app.get("/functions").await;
    assert!(functions.status == 200 && functions.text().contains("theirs"), "{}", functions.text());
    let trace = app.get("/traces/05050505050505050505050505050505").await;
    assert_eq!(trace.status, 200);
    for part in ["1 of 1 invocations have none", "1 of the invocations have no span", "kept for 30 days"] {
        assert!(trace.text().contains(part), "{part}: {}", trace.text());
    }
    assert_eq!(app.get("/functions/theirs").await.status, 200);
    assert!(app.get("/functions/theirs").await.text().contains("href=\"/traces?fn=theirs\""), "a jump to its traces");
}
