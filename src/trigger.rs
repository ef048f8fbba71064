//! What causes invocations: `dispatch` is the one place where execution, price and storage meet, `deploy` brings a
//! function there. Listening and answering is `crate::web`'s.

mod deploy;
mod dispatch;
mod error;
mod record;
mod traceparent;

pub use deploy::Deployer;
pub use dispatch::{Answer, Call, Dispatcher, Invoked, Parts, StreamEnd};
pub use error::Error;
pub use traceparent::TraceContext;

pub use crate::cost::{Receipt, ReceiptLine};

/// What every record says of where it was made.
#[derive(Debug, Clone)]
pub struct Config {
    /// The region that prices and records name (`us-east-1`).
    pub region: String,
    /// The billing account (`default`).
    pub account: String,
    /// Bytes that one call's record may take in the store, its logs included; reserved before the call runs (320 KiB).
    pub record_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), account: "default".to_owned(), record_bytes: 320 << 10 }
    }
}
