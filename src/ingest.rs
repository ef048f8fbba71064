//! Owns what comes from elsewhere: telemetry of functions that run on other executors becomes the same records as our own
//! executor's. It decodes, prices what can be priced, and stores each record once; it does not know HTTP, gRPC or the
//! command line (`crate::web`, `crate::cli`), and makes no rows of our own calls (`crate::trigger`).

pub mod aws_lambda;
