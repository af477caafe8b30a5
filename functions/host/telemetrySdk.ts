import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  SimpleSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { lineMetricExporter, lineSpanExporter } from './lineExporters.ts';

export type Destination = 'azure' | 'otlp' | 'console';

/**
 * Starts the OpenTelemetry SDK. Automatic instrumentation is not used, because it records the URLs of calls, which
 * contain the paths of images. The returned function stops the SDK and resolves once pending telemetry has been sent.
 */
export function startTelemetry(destination: Destination, identity: TokenCredential): () => Promise<void> {
  const { spans, measurements } = exportersFor(destination, identity);
  const resource = resourceFromAttributes({
    'service.name': 'rollcall',
    'service.instance.id': process.env['WEBSITE_INSTANCE_ID'] ?? randomUUID(),
  });
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors: [
      destination === 'console' ? new SimpleSpanProcessor(spans) : new BatchSpanProcessor(spans),
    ],
  });
  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: measurements,
        exportIntervalMillis: Number(process.env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 60_000),
        exportTimeoutMillis: 1_000,
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  return async () => {
    await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
  };
}

function exportersFor(
  destination: Destination,
  credential: TokenCredential,
): { spans: SpanExporter; measurements: PushMetricExporter } {
  switch (destination) {
    case 'azure':
      return {
        spans: new AzureMonitorTraceExporter({ credential }),
        measurements: new AzureMonitorMetricExporter({ credential }),
      };
    case 'otlp':
      return { spans: new OTLPTraceExporter(), measurements: new OTLPMetricExporter() };
    case 'console':
      return { spans: lineSpanExporter(), measurements: lineMetricExporter() };
  }
}
