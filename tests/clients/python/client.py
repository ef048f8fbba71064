"""Sends traces, logs and metrics with OpenTelemetry's own exporters, and says what it counts as sent.

    client.py http|grpc URL BATCHES SIZE

A batch that its exporter gives up on is handed to it again, as a queue on a disk would: what is counted is what was
acknowledged. Prints a line for each batch, and the counts at the end.
"""

import json
import logging
import sys
import time

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs import export as log_export
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

PATIENCE_S = 100


def exporters(protocol, url):
    if protocol == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        options = {"endpoint": url, "insecure": True, "compression": grpc.Compression.Gzip, "timeout": 10}
        return [kind(**options) for kind in (OTLPSpanExporter, OTLPLogExporter, OTLPMetricExporter)]
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options = {"compression": Compression.Gzip, "timeout": 10}
    return [
        OTLPSpanExporter(endpoint=url + "/v1/traces", **options),
        OTLPLogExporter(endpoint=url + "/v1/logs", **options),
        OTLPMetricExporter(endpoint=url + "/v1/metrics", **options),
    ]


def in_memory_logs():
    named = ("InMemoryLogRecordExporter", "InMemoryLogExporter")
    return next(getattr(log_export, name) for name in named if hasattr(log_export, name))()


def until_acknowledged(export, batch, success):
    """Hands a batch over until it is acknowledged."""
    end = time.monotonic() + PATIENCE_S
    while export(batch) is not success:
        if time.monotonic() > end:
            raise SystemExit("the server does not take a batch")
        time.sleep(0.2)


def main(protocol, url, batches, size):
    resource = Resource.create({"service.name": "client", "faas.name": f"python-{protocol}"})
    spans, logs, reader = InMemorySpanExporter(), in_memory_logs(), InMemoryMetricReader()
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    tracer = tracers.get_tracer("client")
    loggers = LoggerProvider(resource=resource)
    loggers.add_log_record_processor(log_export.SimpleLogRecordProcessor(logs))
    logger = logging.getLogger("client")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(LoggingHandler(logger_provider=loggers))
    meter = MeterProvider(resource=resource, metric_readers=[reader]).get_meter("client")
    counter = meter.create_counter("calls", unit="1")
    histogram = meter.create_histogram("length", unit="s")
    trace_exporter, log_exporter, metric_exporter = exporters(protocol, url)
    counted = {"spans": 0, "logs": 0, "points": 0, "invocations": 0}
    log_success = log_export.LogRecordExportResult if hasattr(log_export, "LogRecordExportResult") else log_export.LogExportResult
    for batch in range(batches):
        for number in range(size):
            kind = SpanKind.SERVER if number == 0 else SpanKind.INTERNAL
            with tracer.start_as_current_span(f"work {number}", kind=kind, attributes={"n": number}):
                logger.info("batch %d, line %d", batch, number)
        counter.add(size, {"batch": batch})
        histogram.record(batch, {"batch": batch})
        made, written, metrics = spans.get_finished_spans(), logs.get_finished_logs(), reader.get_metrics_data()
        until_acknowledged(trace_exporter.export, made, SpanExportResult.SUCCESS)
        until_acknowledged(log_exporter.export, written, log_success.SUCCESS)
        until_acknowledged(metric_exporter.export, metrics, MetricExportResult.SUCCESS)
        counted["spans"] += len(made)
        counted["logs"] += len(written)
        counted["invocations"] += 1
        counted["points"] += sum(
            len(metric.data.data_points)
            for of_resource in metrics.resource_metrics
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        )
        spans.clear()
        logs.clear()
        print(f"batch {batch}", flush=True)
    print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
