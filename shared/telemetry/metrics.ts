import { metrics, type Attributes, type Counter, type Gauge, type Histogram } from '@opentelemetry/api';

/** All metrics: the kind, the unit, and the meaning with the attributes. */
export const metricsTable = {
  'rollcall.pictures': {
    kind: 'counter',
    unit: '{picture}',
    meaning:
      'Pictures that came into a state, by `rollcall.container`, `rollcall.state` and `rollcall.reason` (the code)',
  },
  'rollcall.freshness': {
    kind: 'histogram',
    unit: 's',
    meaning:
      'From the arrival of a picture until its face can be found (enroll) or it is answered (identify)',
  },
  'rollcall.backlog.pictures': {
    kind: 'gauge',
    unit: '{picture}',
    meaning: 'Pictures that are not settled (100,000 at most are counted)',
  },
  'rollcall.backlog.oldest_age': {
    kind: 'gauge',
    unit: 's',
    meaning: 'How long the oldest of them has waited',
  },
  'rollcall.face.calls': {
    kind: 'counter',
    unit: '{call}',
    meaning: 'Calls that left for Face, by `rollcall.priority`: the quota in use',
  },
  'rollcall.face.quota.limit': {
    kind: 'gauge',
    unit: '{call}',
    meaning: 'Calls that the plan allows, by `rollcall.window` (`second` or `month`)',
  },
  'rollcall.face.throttled': {
    kind: 'counter',
    unit: '{call}',
    meaning: 'Calls that Face refused for their rate (429), or because the monthly volume is used up',
  },
  'rollcall.face.duration': {
    kind: 'histogram',
    unit: 's',
    meaning:
      'How long an operation of Face took with its wait at the limiter, by `rollcall.operation`, `rollcall.priority`, `error.type`',
  },
  'rollcall.limiter.wait': {
    kind: 'histogram',
    unit: 's',
    meaning: 'How long a call waited at the rate limiter, by `rollcall.priority`',
  },
  'rollcall.trainings': {
    kind: 'counter',
    unit: '{training}',
    meaning: 'Trainings that ended, by `rollcall.outcome` (`succeeded`, `failed`)',
  },
  'rollcall.training.duration': { kind: 'histogram', unit: 's', meaning: 'How long a training took Face' },
  'rollcall.training.wait': {
    kind: 'histogram',
    unit: 's',
    meaning: 'From the first change until a training that covers it has succeeded',
  },
  'rollcall.identify.confidence': {
    kind: 'histogram',
    unit: '1',
    meaning: 'Confidence of the best candidate of a face; none is counted for a face without candidates',
  },
  'rollcall.identify.margin': {
    kind: 'histogram',
    unit: '1',
    meaning: 'By how much the best candidate of a face is ahead of the second, where both were asked for',
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
