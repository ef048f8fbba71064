//! Turns the server's own metrics, as OpenMetrics text, into an OTLP request. Pure.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::units::Timestamp;

/// The metrics in `text`, cumulative since `started_at`.
pub(super) fn request(text: &str, started_at: Timestamp, now: Timestamp) -> ExportMetricsServiceRequest {
    let nanos = |time: Timestamp| u64::try_from(time.nanos()).unwrap_or_default();
    let times = (nanos(started_at), nanos(now));
    let metrics = families(text).into_iter().filter_map(|family| family.metric(times)).collect();
    let version = env!("CARGO_PKG_VERSION");
    let resource = Resource {
        attributes: vec![attribute("service.name", "faremeter"), attribute("service.version", version)],
        ..Resource::default()
    };
    let scope =
        InstrumentationScope { name: "faremeter".to_owned(), version: version.to_owned(), ..Default::default() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource: Some(resource), scope_metrics, schema_url: String::new() }],
    }
}

/// A metric with its samples.
#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'a str,
    unit: &'a str,
    samples: Vec<Sample<'a>>,
}

/// One line: what follows the family's name, the labels, the value.
struct Sample<'a> {
    suffix: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

fn families(text: &str) -> Vec<Family<'_>> {
    let mut all: Vec<Family> = Vec::new();
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            if let Some(family) = all.last_mut() {
                family.samples.extend(sample(line, family.name));
            }
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(word), Some(name)) = (words.next(), words.next()) else { continue };
        let rest = words.next().unwrap_or_default();
        if all.last().is_none_or(|family| family.name != name) {
            all.push(Family { name, ..Family::default() });
        }
        let Some(family) = all.last_mut() else { continue };
        match word {
            "HELP" => family.help = rest,
            "TYPE" => family.kind = rest,
            "UNIT" => family.unit = rest,
            _ => {}
        }
    }
    all
}

fn sample<'a>(line: &'a str, family: &str) -> Option<Sample<'a>> {
    let rest = line.strip_prefix(family)?;
    let (head, labels, value) = match rest.split_once('{') {
        Some((suffix, rest)) => {
            let (labels, rest) = labels(rest)?;
            (suffix, labels, rest)
        }
        None => {
            let (suffix, rest) = rest.split_once(' ')?;
            (suffix, Vec::new(), rest)
        }
    };
    let value = value.trim_start().split(' ').next()?.parse().ok()?;
    Some(Sample { suffix: head, labels, value })
}

/// The labels up to the closing brace, and what follows it. Values may hold any text, with `\\`, `\"` and `\n`.
fn labels(mut text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut all = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((all, rest));
        }
        let (name, rest) = text.trim_start_matches(',').split_once("=\"")?;
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        text = loop {
            match chars.next()? {
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (at, '"') => break &rest[at + 1..],
                (_, other) => value.push(other),
            }
        };
        all.push((name, value));
    }
}

impl Family<'_> {
    fn metric(&self, times: (u64, u64)) -> Option<Metric> {
        let cumulative = AggregationTemporality::Cumulative.into();
        let data = match self.kind {
            "counter" => Data::Sum(Sum {
                data_points: self.points("_total", times),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            "gauge" | "unknown" => Data::Gauge(Gauge { data_points: self.points("", times) }),
            "info" => Data::Gauge(Gauge { data_points: self.points("_info", times) }),
            "histogram" => {
                Data::Histogram(Histogram { data_points: self.histograms(times), aggregation_temporality: cumulative })
            }
            _ => return None,
        };
        Some(Metric {
            name: self.name.to_owned(),
            description: self.help.to_owned(),
            unit: unit(self.unit).to_owned(),
            data: Some(data),
            ..Metric::default()
        })
    }

    fn points(&self, suffix: &str, (start, now): (u64, u64)) -> Vec<NumberDataPoint> {
        let point = |sample: &Sample| NumberDataPoint {
            attributes: attributes(&sample.labels),
            start_time_unix_nano: start,
            time_unix_nano: now,
            value: Some(Value::AsDouble(sample.value)),
            ..NumberDataPoint::default()
        };
        self.samples.iter().filter(|sample| sample.suffix == suffix).map(point).collect()
    }

    fn histograms(&self, (start, now): (u64, u64)) -> Vec<HistogramDataPoint> {
        let mut all: BTreeMap<Vec<(&str, String)>, HistogramDataPoint> = BTreeMap::new();
        for sample in &self.samples {
            let others = sample.labels.iter().filter(|(name, _)| *name != "le").cloned().collect::<Vec<_>>();
            let point = all.entry(others).or_insert_with_key(|labels| HistogramDataPoint {
                attributes: attributes(labels),
                start_time_unix_nano: start,
                time_unix_nano: now,
                ..HistogramDataPoint::default()
            });
            // Counts of a scrape are whole, and small enough for a float to hold them exactly.
            let count = sample.value as u64;
            match sample.suffix {
                "_sum" => point.sum = Some(sample.value),
                "_count" => point.count = count,
                "_bucket" => {
                    // Scraped buckets hold all that is below, OTLP's only their own.
                    point.bucket_counts.push(count.saturating_sub(point.bucket_counts.iter().sum()));
                    let bound = sample.labels.iter().find(|(name, _)| *name == "le");
                    point.explicit_bounds.extend(
                        bound.and_then(|(_, bound)| bound.parse::<f64>().ok()).filter(|bound| bound.is_finite()),
                    );
                }
                _ => {}
            }
        }
        all.into_values().collect()
    }
}

/// The unit in UCUM's words.
fn unit(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "bytes" => "By",
        "milliseconds" => "ms",
        "ratio" | "" => "1",
        other => other,
    }
}

fn attributes(labels: &[(&str, String)]) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Any::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_metric_comes_out() {
        let text = "# HELP calls Calls made.\n# TYPE calls counter\ncalls_total{function=\"a \\\"b\\\" {c}\",outcome=\"ok\"} 7\n\
            # HELP held_bytes Held.\n# TYPE held_bytes gauge\n# UNIT held_bytes bytes\nheld_bytes 5.5\n\
            # HELP took_seconds Time.\n# TYPE took_seconds histogram\n# UNIT took_seconds seconds\n\
            took_seconds_sum{f=\"x\"} 1.5\ntook_seconds_count{f=\"x\"} 4\ntook_seconds_bucket{le=\"0.1\",f=\"x\"} 1\n\
            took_seconds_bucket{le=\"1.0\",f=\"x\"} 3\ntook_seconds_bucket{le=\"+Inf\",f=\"x\"} 4\n# EOF\n";
        let request = request(text, Timestamp::from_nanos(1), Timestamp::from_nanos(2));
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        assert_eq!(
            metrics.iter().map(|m| (&*m.name, &*m.unit)).collect::<Vec<_>>(),
            [("calls", "1"), ("held_bytes", "By"), ("took_seconds", "s")]
        );
        let Some(Data::Sum(sum)) = &metrics[0].data else { panic!("{:?}", metrics[0]) };
        let point = &sum.data_points[0];
        assert_eq!((point.value, point.start_time_unix_nano, point.time_unix_nano), (Some(Value::AsDouble(7.0)), 1, 2));
        assert_eq!(point.attributes, [attribute("function", "a \"b\" {c}"), attribute("outcome", "ok")]);
        let Some(Data::Histogram(histogram)) = &metrics[2].data else { panic!("{:?}", metrics[2]) };
        let point = &histogram.data_points[0];
        assert_eq!((point.count, point.sum), (4, Some(1.5)));
        assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[1, 2, 1][..], &[0.1, 1.0][..]));
        assert_eq!(point.attributes, [attribute("f", "x")]);
    }
}
