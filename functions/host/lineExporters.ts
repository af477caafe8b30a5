import {
  AggregationTemporality,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

/* oxlint-disable no-console -- the exporters of this file write telemetry to the console */

const done = { code: 0 };

/** Writes a line of JSON for each span. */
export function lineSpanExporter(): SpanExporter {
  return {
    export(spans, callback) {
      for (const span of spans) console.info(JSON.stringify({ span: describe(span) }));
      callback(done);
    },
    shutdown: () => Promise.resolve(),
  };
}

function describe(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext();
  const [seconds, nanoseconds] = span.duration;
  return {
    name: span.name,
    trace: traceId,
    id: spanId,
    parent: span.parentSpanContext?.spanId,
    links: span.links.map(({ context }) => `${context.traceId}/${context.spanId}`),
    ms: Math.round(seconds * 1_000 + nanoseconds / 1e6),
    attributes: span.attributes,
  };
}

/** Writes a line of JSON for each metric that has points, at each export. */
export function lineMetricExporter(): PushMetricExporter {
  return {
    export(metrics: ResourceMetrics, callback) {
      for (const { metrics: list } of metrics.scopeMetrics) {
        for (const { descriptor, dataPoints } of list) {
          const points = dataPoints.map(({ attributes, value }) => ({ attributes, value }));
          console.info(JSON.stringify({ metric: descriptor.name, points }));
        }
      }
      callback(done);
    },
    selectAggregationTemporality: () => AggregationTemporality.DELTA,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
