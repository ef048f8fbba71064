// Sends traces, logs and metrics with OpenTelemetry's own exporters over HTTP as JSON, and says what it counts as sent.
//
//     node client.js URL BATCHES SIZE
//
// Run in a folder with the packages of package.json. A batch that its exporter gives up on is handed to it again, as a
// queue on a disk would: what is counted is what was acknowledged.

const { createRequire } = require("node:module");
const load = createRequire(process.cwd() + "/");
const { OTLPTraceExporter } = load("@opentelemetry/exporter-trace-otlp-http");
const { OTLPLogExporter } = load("@opentelemetry/exporter-logs-otlp-http");
const { OTLPMetricExporter } = load("@opentelemetry/exporter-metrics-otlp-http");
const { resourceFromAttributes } = load("@opentelemetry/resources");
const { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = load("@opentelemetry/sdk-trace");
const { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } = load("@opentelemetry/sdk-logs");
const { MeterProvider, MetricReader } = load("@opentelemetry/sdk-metrics");
const { SpanKind } = load("@opentelemetry/api");

const PATIENCE_MS = 100_000;

class OnDemand extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** Hands a batch over until it is acknowledged. */
async function untilAcknowledged(exporter, batch) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const result = await new Promise((done) => exporter.export(batch, done));
    if (result.code === 0) return;
    if (Date.now() > end) throw new Error(`the server does not take a batch: ${result.error}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

async function main(url, batches, size) {
  const resource = resourceFromAttributes({ "service.name": "client", "faas.name": "node-http" });
  const [spans, logs, reader] = [new InMemorySpanExporter(), new InMemoryLogRecordExporter(), new OnDemand()];
  const tracers = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] });
  const loggers = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
  const meters = new MeterProvider({ resource, readers: [reader] });
  const [tracer, logger, meter] = [tracers.getTracer("client"), loggers.getLogger("client"), meters.getMeter("client")];
  const [counter, histogram] = [meter.createCounter("calls"), meter.createHistogram("length", { unit: "s" })];
  const options = (signal) => ({ url: `${url}/v1/${signal}`, compression: "gzip", timeoutMillis: 10_000 });
  const traceExporter = new OTLPTraceExporter(options("traces"));
  const logExporter = new OTLPLogExporter(options("logs"));
  const metricExporter = new OTLPMetricExporter(options("metrics"));
  const counted = { spans: 0, logs: 0, points: 0, invocations: 0 };
  for (let batch = 0; batch < batches; batch++) {
    for (let number = 0; number < size; number++) {
      const kind = number === 0 ? SpanKind.SERVER : SpanKind.INTERNAL;
      tracer.startSpan(`work ${number}`, { kind, attributes: { n: number, list: ["a", 1, true] } }).end();
      logger.emit({ body: { batch, line: number }, severityNumber: 9, attributes: { nothing: null } });
    }
    counter.add(size, { batch });
    histogram.record(batch, { batch });
    await loggers.forceFlush();
    const [made, written] = [[...spans.getFinishedSpans()], [...logs.getFinishedLogRecords()]];
    const { resourceMetrics } = await reader.collect();
    await untilAcknowledged(traceExporter, made);
    await untilAcknowledged(logExporter, written);
    await untilAcknowledged(metricExporter, resourceMetrics);
    counted.spans += made.length;
    counted.logs += written.length;
    counted.invocations += 1;
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    counted.points += metrics.reduce((sum, metric) => sum + metric.dataPoints.length, 0);
    spans.reset();
    logs.reset();
    console.log(`batch ${batch}`);
  }
  console.log(JSON.stringify(counted));
}

main(process.argv[2], Number(process.argv[3]), Number(process.argv[4])).catch((error) => {
  console.error(error);
  process.exit(1);
});
