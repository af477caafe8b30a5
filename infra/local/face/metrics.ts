import { Counter, Registry } from 'prom-client';

/** Counts every call that reached an operation, refused ones too, where it arrives. */
export function createFaceMetrics() {
  const registry = new Registry();
  const requests = new Counter({
    name: 'face_requests_total',
    help: 'Calls to the Face service, by operation and answer',
    labelNames: ['operation', 'status'],
    registers: [registry],
  });
  return {
    count: (operation: string, status: number) => requests.inc({ operation, status: String(status) }),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
