import { RestError } from '@azure/storage-blob';
import { ServiceBusError } from '@azure/service-bus';
import { expect, test } from 'vitest';
import { describeFailure } from '../../../emulators/common/failureText.ts';

const connection = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5672'), { code: 'ECONNREFUSED' });

test('a failure is told by its code and its message', () => {
  const timedOut = new ServiceBusError('The operation timed out.', 'ServiceTimeout');
  expect(describeFailure(timedOut)).toBe('ServiceTimeout: The operation timed out.');
  expect(describeFailure(new RestError('The queue is gone.\nRequestId:1\nTime:2', { statusCode: 404 }))).toBe(
    '404: The queue is gone.',
  );
  expect(describeFailure(new Error('The link does not exist.'))).toBe('The link does not exist.');
  expect(describeFailure(connection)).toBe('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5672');
  expect(describeFailure('a text')).toBe('unknown error');
});

test('what is around a failure does not hide it', () => {
  expect(describeFailure(new TypeError('fetch failed', { cause: connection }))).toBe(
    'TypeError: connect ECONNREFUSED 127.0.0.1:5672',
  );
  const tries = new AggregateError([new Error('first'), connection]);
  expect(describeFailure(tries)).toBe('ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5672');
});

const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==';
const secrets = {
  'a connection string': `Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=Root;SharedAccessKey=${key};UseDevelopmentEmulator=true`,
  'an account key': `AccountKey=${key}`,
  'a bare key': `Bearer ${key}`,
  'a signature': 'https://account.blob/enroll/family/ann/1.jpg?sv=1&sig=abc%2Bdef',
  'a session': 'the session p7cQvXl0bR3nS5tYwZ1aB2dE4fG6hJ8kM is held',
  'a link': 'persons-21fd9558-ef47-6544-9efe-4523d3a13c2f',
  'a name': 'the blob \'family/ann/1.jpg\' and the person "ann"',
  'a path': 'open /home/ann/photos/ann.jpg',
  'a path of Windows': String.raw`open C:\Users\ann\ann.jpg`,
};

test.each(Object.entries(secrets))('%s is not told', (_what, secret) => {
  const told = describeFailure(new Error(`It failed: ${secret} and ended.`));
  expect(told).toMatch(/^It failed: /);
  for (const part of [key, 'ann', 'abc', 'p7cQ', '21fd9558']) expect(told).not.toContain(part);
});

test('it is one line of bounded length that a console only shows', () => {
  const told = describeFailure(new Error(`red \u001b[31m${'x '.repeat(500)}\nand more`));
  expect(told.length).toBeLessThanOrEqual(201);
  expect(told).toMatch(/^red \[31mx x/);
});

test('of a body that cannot be read nothing is told', () => {
  const error = new RestError('Error "x" occurred while parsing the response body - <Name>ann</Name>.', {
    code: 'PARSE_ERROR',
    statusCode: 200,
  });
  expect(describeFailure(error)).toBe('PARSE_ERROR');
});
