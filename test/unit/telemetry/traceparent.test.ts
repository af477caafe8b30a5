import { expect, test } from 'vitest';
import { readTraceparent } from '../../../shared/telemetry/spans.ts';

const trace = (number: number) => `00-${String(number).padStart(32, '0')}-00000000000000ab-01`;

test('what is no traceparent begins no trace', () => {
  expect(readTraceparent(trace(7))).toMatchObject({ spanId: '00000000000000ab', isRemote: true });
  for (const text of [
    '',
    'x',
    `00-${'0'.repeat(32)}-00000000000000ab-01`,
    trace(7).slice(0, -1),
    `01${trace(7)}`,
  ])
    expect(readTraceparent(text)).toBeUndefined();
});
