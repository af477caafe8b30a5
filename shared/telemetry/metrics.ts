import { metrics, type Attributes, type Counter, type Gauge, type Histogram } from '@opentelemetry/api';

/** All metrics: the kind, the unit, and the meaning with the attributes. */
export const metricsTable = {
  'rollcall.images': {
    kind: 'counter',
    unit: '{image}',
    meaning:
      'Images that changed to a state, by `rollcall.container`, `rollcall.state`, `rollcall.reason` (the code)',
  },
  'rollcall.image.latency': {
    kind: 'histogram',
    unit: 's',
    meaning:
      'From the upload of an image until its face can be found (enroll) or its people are known (identify)',
  },
  'rollcall.backlog.images': {
    kind: 'gauge',
    unit: '{image}',
    meaning: 'Images that are not settled; at most 100,000 are counted',
  },
  'rollcall.backlog.oldest_age': {
    kind: 'gauge',
    unit: 's',
    meaning: 'How long the oldest of these images has waited',
  },
  'rollcall.face.calls': {
    kind: 'counter',
    unit: '{call}',
    meaning: 'Calls sent to Face, by `rollcall.priority`: the quota in use',
  },
  'rollcall.face.quota.limit': {
    kind: 'gauge',
    unit: '{call}',
    meaning: 'Calls that the plan allows, by `rollcall.window` (`second` or `month`)',
  },
  'rollcall.face.throttled': {
    kind: 'counter',
    unit: '{call}',
    meaning: 'Calls that Face refused for its rate limit (429) or the monthly volume',
  },
  'rollcall.face.duration': {
    kind: 'histogram',
    unit: 's',
    meaning:
      'Operations of Face with their wait for a permit, by `rollcall.operation`, `rollcall.priority`, `error.type`',
  },
  'rollcall.limiter.wait': {
    kind: 'histogram',
    unit: 's',
    meaning: 'How long a call waited for a permit of the rate limiter, by `rollcall.priority`',
  },
  'rollcall.trainings': {
    kind: 'counter',
    unit: '{training}',
    meaning: 'Trainings that ended, by `rollcall.outcome` (`succeeded`, `failed`)',
  },
  'rollcall.training.duration': {
    kind: 'histogram',
    unit: 's',
    meaning: 'How long Face took for a training',
  },
  'rollcall.training.wait': {
    kind: 'histogram',
    unit: 's',
    meaning: 'From the first change until a training that covers it has succeeded',
  },
  'rollcall.identify.confidence': {
    kind: 'histogram',
    unit: '1',
    meaning: 'Confidence of the best candidate of a face; faces without candidates are not counted',
  },
  'rollcall.identify.margin': {
    kind: 'histogram',
    unit: '1',
    meaning: 'Confidence of the best candidate less that of the second, where both were asked for',
  },
} as const satisfies Record<
  string,
  { kind: 'counter' | 'gauge' | 'histogram'; unit: string; meaning: string }
>;

export type MetricName = keyof typeof metricsTable;

const boundaries: Record<string, number[]> = {
  s: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200],
  '1': [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95],
};
const instruments = new Map<MetricName, Counter | Gauge | Histogram>();

/** Adds to a counter, sets a gauge or adds to a histogram, by the metric's kind in `metricsTable`. */
export function record(name: MetricName, value: number, attributes: Attributes = {}): void {
  const instrument = instruments.get(name) ?? create(name);
  instruments.set(name, instrument);
  if ('add' in instrument) instrument.add(value, attributes);
  else instrument.record(value, attributes);
}

function create(name: MetricName): Counter | Gauge | Histogram {
  const meter = metrics.getMeter('rollcall');
  const { kind, unit, meaning: description } = metricsTable[name];
  switch (kind) {
    case 'counter':
      return meter.createCounter(name, { unit, description });
    case 'gauge':
      return meter.createGauge(name, { unit, description });
    case 'histogram':
      return meter.createHistogram(name, {
        unit,
        description,
        advice: { explicitBucketBoundaries: boundaries[unit] ?? [] },
      });
  }
}
