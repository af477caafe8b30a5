import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Counts every call to an operation, refused calls too. */
export function createFaceMetrics(countAnalyses: () => number) {
  const registry = new Registry();
  const registers = [registry];
  // The default sampling of the event loop, every 10 ms, takes 2 % of a core of an idle service.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const requests = new Counter({
    name: 'face_requests_total',
    help: 'Calls to the Face service, by operation and answer',
    labelNames: ['operation', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'face_request_duration_seconds',
    help: 'From the arrival of a call to the end of its answer',
    labelNames: ['operation'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });
  const underWay = new Gauge({
    name: 'face_pictures_under_way',
    help: 'Pictures in the models, or waiting for them',
    registers,
  });
  return {
    count(operation: string, status: number, milliseconds: number): void {
      requests.inc({ operation, status: String(status) });
      durations.observe({ operation }, milliseconds / 1_000);
    },
    contentType: registry.contentType,
    text(): Promise<string> {
      underWay.set(countAnalyses());
      return registry.metrics();
    },
    close: () => registry.clear(),
  };
}

export type FaceMetrics = ReturnType<typeof createFaceMetrics>;
