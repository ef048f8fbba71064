//! Passive records that parts hand to each other, in OpenTelemetry's words. No I/O, no prices, no clock.

mod attributes;
mod function;
mod invocation;
mod log;
mod metric;
mod records;
mod rows;
mod span;
mod usage;

pub use attributes::Attributes;
pub use function::{Architecture, FunctionSpec, FunctionVersion, NameError, SpecError, VersionState, check_name};
pub use invocation::{InitType, Invocation, Outcome, ThrottleReason, Trigger, UnknownWord};
pub use log::{LogRecord, Severity};
pub use metric::{Exemplar, ExponentialBuckets, MetricData, MetricPoint, NumberValue, QuantileValue, Temporality};
pub use records::Records;
pub use rows::SpanTree;
pub use span::{Event, Link, Span, SpanKind, StatusCode};
pub use usage::{PhaseLengths, Phases, Usage};
