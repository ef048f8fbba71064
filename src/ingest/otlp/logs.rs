//! Rows of log records.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1 as proto;

use crate::ingest::{Error, Room};
use crate::model::{LogRecord, Records};

use super::attributes::{attributes, text};
use super::decode::{Context, Read};
use super::ids;
use super::rejected::Rejected;
use super::resource::{Budget, Resource};
use super::times::{Times, said};
use super::traces::SOURCE;

pub(super) fn read(
    request: proto::LogsData,
    origin_id: &str,
    context: &Context,
    room: &mut Room,
) -> Result<Read, Error> {
    let (mut logs, mut rejected) = (Vec::new(), Rejected::default());
    let mut budget = Budget::new(context.max_bytes, room);
    let mut shared = Shared { context, origin_id, times: Times::new(context.received) };
    for group in request.resource_logs {
        let resource = match Resource::read(group.resource, context) {
            Ok(resource) => resource,
            Err(why) => {
                rejected.add_all(group.scope_logs.iter().map(|scope| scope.log_records.len()).sum(), why);
                continue;
            }
        };
        for scoped in group.scope_logs {
            let scope = scoped.scope.unwrap_or_default();
            budget.take(scoped.log_records.len(), &resource, &scope, 0)?;
            for record in scoped.log_records {
                match shared.row(record, &resource, &scope) {
                    Ok(record) => logs.push(record),
                    Err(why) => rejected.add(why),
                }
            }
        }
    }
    Ok(Read { records: Records { logs, ..Records::default() }, rejected })
}

/// What all records of a request share.
struct Shared<'a> {
    context: &'a Context,
    origin_id: &'a str,
    times: Times,
}

impl Shared<'_> {
    /// A record as a row; a reason where it is none. One without a time has that of its observation, or else of its arrival.
    fn row(
        &mut self,
        record: proto::LogRecord,
        of: &Resource,
        scope: &InstrumentationScope,
    ) -> Result<LogRecord, String> {
        let named = |why: String| format!("a log record: {why}");
        let trace_id = ids::trace(&record.trace_id).map_err(named)?;
        let span_id = ids::span(&record.span_id, "span id").map_err(named)?;
        let observed_time = said(record.observed_time_unix_nano).unwrap_or(self.context.received);
        let time = match (record.time_unix_nano, record.observed_time_unix_nano) {
            (0, 0) => self.context.received,
            (0, nanos) | (nanos, _) => self.times.of_row(nanos).map_err(named)?,
        };
        let attributes = attributes(record.attributes);
        Ok(LogRecord {
            tenant: of.tenant.clone(),
            function: of.function_of(&attributes),
            version: of.version.clone(),
            invocation_id: attributes.get("faas.invocation_id").cloned(),
            environment_id: of.instance.clone(),
            source: SOURCE.to_owned(),
            origin_id: Some(self.origin_id.to_owned()),
            time,
            observed_time,
            severity_number: if (1..=24).contains(&record.severity_number) { record.severity_number } else { 0 },
            severity_text: record.severity_text,
            body: record.body.map(|body| text(Some(body))).unwrap_or_default(),
            attributes,
            dropped_attributes_count: record.dropped_attributes_count,
            flags: record.flags,
            trace_id,
            span_id,
            event_name: record.event_name,
            resource_attributes: of.attributes.clone(),
            scope_name: scope.name.clone(),
            scope_version: scope.version.clone(),
        })
    }
}
