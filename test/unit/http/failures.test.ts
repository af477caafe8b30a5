import { RestError } from '@azure/data-tables';
import { ServiceBusError, type ServiceBusClient } from '@azure/service-bus';
import { describe, expect, test, vi } from 'vitest';
import { describeError } from '../../../shared/errors/describeError.ts';
import { failures, RollcallError, type FailureCode } from '../../../shared/errors/errors.ts';
import { routes } from '../../../shared/http/routes.ts';
import { createServiceBus } from '../../../shared/messages/serviceBus.ts';
import { classifyFailure } from '../../../shared/pipeline/failurePolicy.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

const picture = { headers: { 'content-type': 'image/jpeg' }, body: portrait('audrey_crop.jpg') };

async function appWithGroup() {
  const app = inMemory({ face: { detect: async () => [] } });
  await app.call('PUT', 'groups/club', { body: '{}' });
  return app;
}

const pathOf = (template: string): string =>
  template
    .replace('{group}', 'club')
    .replace('{person}', 'ann')
    .replace('{*image}', '1.jpg')
    .replace('{id}', 'r1');
const untouched = new Set(['health', 'openApi', 'problem']);

describe.each([
  ['no connection', new RestError('ECONNREFUSED at 10.0.0.1', { code: 'REQUEST_SEND_ERROR' })],
  ['its own failure', new RestError('secret path', { statusCode: 503 })],
  ['too many requests', new RestError('', { statusCode: 429 })],
  ['a try that took too long', Object.assign(new Error('aborted'), { name: 'AbortError' })],
])('where storage answers with %s', (_what, error) => {
  test.each(routes.filter(({ name }) => !untouched.has(name)))('$method $path says so', async (route) => {
    const app = await appWithGroup();
    app.before.access = () => Promise.reject(error);
    const query = route.name === 'verify' ? '?person=ann' : '';
    const asked = route.name === 'putGroup' ? {} : picture;
    const answer = await app.call(route.method, `${pathOf(route.path)}${query}`, asked);
    expect(answer).toMatchObject({ status: 503, body: { code: 'storage_unavailable' } });
    expect(JSON.stringify(answer.body)).not.toMatch(/10\.0\.0\.1|secret/);
  });
});

test('a refusal of storage that is no outage is a defect of ours', async () => {
  const app = await appWithGroup();
  app.before.access = () => Promise.reject(new RestError('', { statusCode: 400 }));
  expect(await app.call('GET', 'groups')).toMatchObject({ status: 500, body: { code: 'internal' } });
});

const busy = () => new ServiceBusError('no', 'ServiceBusy');

test('where Service Bus does not answer, whoever queues something says so', async () => {
  const app = await appWithGroup();
  app.before.access = (what) => (what.startsWith('send') ? Promise.reject(busy()) : undefined);
  expect(await app.call('DELETE', 'groups/club')).toMatchObject({
    status: 503,
    body: { code: 'messaging_unavailable' },
  });
});

test('the pipeline tries again what storage or Service Bus could not do', () => {
  const codeOf = (error: unknown): FailureCode | undefined => {
    const action = classifyFailure(error, {});
    return action.kind === 'retry' ? action.error.code : undefined;
  };
  expect(codeOf(new RestError('', { statusCode: 500 }))).toBe('storage_unavailable');
  expect(codeOf(busy())).toBe('messaging_unavailable');
  expect(failures.messaging_unavailable).toMatchObject({ status: 503, retried: true });
});

const codes = Object.keys(failures) as FailureCode[];

test.each(codes.filter((code) => code !== 'quota_exceeded'))(
  'the pipeline does with %s what the table says',
  (code) => {
    const { rejects = false, retried, outage = false, dependsOnGroup = false } = failures[code];
    const kindAfter = (times: number) =>
      classifyFailure(new RollcallError(code), { [outage ? 'outages' : 'attempts']: times }).kind;
    const given = rejects ? 'reject' : 'fail';
    expect([kindAfter(0), kindAfter(20), kindAfter(200)]).toEqual([
      retried ? 'retry' : given,
      outage ? 'retry' : given,
      given,
    ]);
    // An outage before it uses none of an image's own attempts.
    const afterOutage = classifyFailure(new RollcallError(code), { [outage ? 'attempts' : 'outages']: 90 });
    expect(afterOutage.kind).toBe(kindAfter(0));
    expect(retried || !outage).toBe(true);
    expect(rejects || !dependsOnGroup).toBe(true);
  },
);

test('a message that Service Bus does not acknowledge in time is its outage, not one of storage', async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
  const sender = {
    sendMessages: () => Promise.reject(Object.assign(new Error('aborted'), { name: 'AbortError' })),
    close: async () => {},
  };
  const client = { createSender: () => sender, close: async () => {} };
  const bus = createServiceBus(() => ({ ...client }) as unknown as ServiceBusClient);
  await expect(bus.createSender('images').sendMessages({ body: '' })).rejects.toMatchObject({
    code: 'messaging_unavailable',
  });
  timeout.mockRestore();
});

describe('a log line about an error', () => {
  test('says of an unknown one its name, its code and where it was thrown, never its message', () => {
    const message = 'enroll/family/Ann/1.jpg\n    at Ann (/secret/Ann.jpg:1:1)';
    const error = Object.assign(new TypeError(message), { code: 'ENOENT', statusCode: 404 });
    const line = describeError(error);
    expect(line).toMatch(/^internal: TypeError ENOENT 404 at failures\.test\.ts:\d+:\d+/);
    expect(line).not.toMatch(/Ann|family|\//);
  });

  test('says of a known one its code and detail', () => {
    expect(describeError(new RollcallError('no_face'))).toBe('no_face: There is no face on the image.');
    expect(describeError('thrown')).toBe('internal');
  });

  test('says what is behind it, in the same manner', () => {
    const cause = new RestError('enroll/family/Ann/1.jpg', { statusCode: 503, code: 'ServerBusy' });
    expect(describeError(new RollcallError('storage_unavailable', undefined, { cause }))).toBe(
      'storage_unavailable: The storage account did not answer in time. (RestError ServerBusy 503)',
    );
    const unforeseen = new RollcallError('internal', undefined, { cause: new TypeError('Ann') });
    expect(describeError(unforeseen)).toMatch(/^internal: TypeError at failures\.test\.ts:\d+:\d+/);
  });
});
