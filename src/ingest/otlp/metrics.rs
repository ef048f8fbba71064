//! Rows of points of metrics: each with what its metric says.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1 as proto;
use proto::metric::Data;

use crate::ingest::{Error, Room};
use crate::model::{MetricData, MetricPoint, Records};

use super::attributes::attributes;
use super::decode::{Context, Read};
use super::points;
use super::rejected::Rejected;
use super::resource::{Budget, Resource};
use super::times::{Times, said};
use super::traces::SOURCE;

pub(super) fn read(
    request: proto::MetricsData,
    origin_id: &str,
    context: &Context,
    room: &mut Room,
) -> Result<Read, Error> {
    let mut budget = Budget::new(context.max_bytes, room);
    let times = Times::new(context.received);
    let mut rows = Rows { origin_id, times, points: Vec::new(), rejected: Rejected::default() };
    for group in request.resource_metrics {
        let resource = match Resource::read(group.resource, context) {
            Ok(resource) => resource,
            Err(why) => {
                let metrics = group.scope_metrics.iter().flat_map(|scope| &scope.metrics);
                rows.rejected.add_all(metrics.map(points::count).sum(), why);
                continue;
            }
        };
        for scoped in group.scope_metrics {
            let scope = scoped.scope.unwrap_or_default();
            for metric in scoped.metrics {
                let named = metric.name.len() + metric.description.len() + metric.unit.len();
                budget.take(points::count(&metric), &resource, &scope, named)?;
                rows.add(metric, &resource, &scope);
            }
        }
    }
    let Rows { points: metrics, rejected, .. } = rows;
    Ok(Read { records: Records { metrics, ..Records::default() }, rejected })
}

/// The rows of a request, as they come up.
struct Rows<'a> {
    origin_id: &'a str,
    times: Times,
    points: Vec<MetricPoint>,
    rejected: Rejected,
}

/// What every kind of point has.
pub(super) struct Point {
    pub(super) start_time_unix_nano: u64,
    pub(super) time_unix_nano: u64,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) flags: u32,
    pub(super) exemplars: Vec<proto::Exemplar>,
    /// What was measured; a reason where it contradicts itself.
    pub(super) data: Result<MetricData, String>,
}

impl Rows<'_> {
    fn add(&mut self, mut metric: proto::Metric, of: &Resource, scope: &InstrumentationScope) {
        let Some(data) = metric.data.take() else {
            let why = format!("the metric '{}' has no data of a kind that is known here", metric.name);
            return self.rejected.add_all(0, why);
        };
        let points: Vec<Point> = match data {
            Data::Gauge(gauge) => gauge.data_points.into_iter().map(points::gauge).collect(),
            Data::Sum(sum) => points::sum(sum),
            Data::Histogram(histogram) => points::histogram(histogram),
            Data::ExponentialHistogram(histogram) => points::exponential(histogram),
            Data::Summary(summary) => summary.data_points.into_iter().map(points::summary).collect(),
        };
        self.points.reserve(points.len());
        for point in points {
            match self.row(point, &metric, of, scope) {
                Ok(row) => self.points.push(row),
                Err(why) => self.rejected.add(format!("a point of the metric '{}': {why}", metric.name)),
            }
        }
    }

    fn row(
        &mut self,
        point: Point,
        metric: &proto::Metric,
        of: &Resource,
        scope: &InstrumentationScope,
    ) -> Result<MetricPoint, String> {
        let (time, data) = (self.times.of_row(point.time_unix_nano)?, point.data?);
        let attributes = attributes(point.attributes);
        Ok(MetricPoint {
            tenant: of.tenant.clone(),
            function: of.function_of(&attributes),
            source: SOURCE.to_owned(),
            origin_id: Some(self.origin_id.to_owned()),
            name: metric.name.clone(),
            description: metric.description.clone(),
            unit: metric.unit.clone(),
            start_time: said(point.start_time_unix_nano),
            time,
            data,
            attributes,
            flags: point.flags,
            exemplars: point.exemplars.into_iter().filter_map(points::exemplar).collect(),
            resource_attributes: of.attributes.clone(),
            scope_name: scope.name.clone(),
            scope_version: scope.version.clone(),
        })
    }
}
