import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enrolled, probes, refused } from '../../cli/samplePeople.ts';
import { metricsTable, type MetricName } from '../../shared/telemetry/metrics.ts';
import { eventually } from '../helpers/eventually.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

/* The whole of the sample people goes through the stack, telemetry printed; then its log is read. */

const group = 'kinfolk';
const caller = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };
let stack: TestStack;

type Span = {
  name: string;
  trace: string;
  id: string;
  parent?: string;
  links: string[];
  attributes: Record<string, string | number>;
};
type Metric = { metric: MetricName; points: { attributes: Record<string, string>; value: unknown }[] };

beforeAll(async () => {
  stack = await startTestStack({
    settings: { ROLLCALL_TELEMETRY: 'console', OTEL_METRIC_EXPORT_INTERVAL: '1000' },
  });
});

afterAll(() => stack.close());

function lines<Line>(key: string): Line[] {
  const marked = stack.log().map((line) => line.slice(line.indexOf(' ') + 1));
  return marked.filter((line) => line.startsWith(`{"${key}":`)).map((line) => JSON.parse(line) as Line);
}
const spans = (): Span[] => lines<{ span: Span }>('span').map(({ span }) => span);
const named = (name: string): Span[] => spans().filter((span) => span.name === name);

test('one trace leads from the blob to its training, and a caller continues its own', async () => {
  const [first] = enrolled;
  const [probe] = probes;
  if (first === undefined || probe === undefined) throw new Error('there are no sample people');
  await stack.drop(`enroll/${group}/${first.person}/first.jpg`, readFileSync(first.file));
  await stack.settled(`enroll/${group}/${first.person}/first.jpg`, 'enrolled');
  await stack.covered(group);
  const arrival = await eventually('the arrival is told', () => named('process enroll')[0]);
  const ofTrace = (name: string): Span[] => named(name).filter(({ trace }) => trace === arrival.trace);
  await eventually('the training is told', () => named('train')[0]);

  for (const queue of ['persons', 'trainings']) {
    const [sent] = ofTrace(`send ${queue}`);
    const worked = await eventually(`${queue} are told`, () => ofTrace(`process ${queue}`)[0]);
    expect(worked).toMatchObject({ parent: sent?.id, links: [`${sent?.trace}/${sent?.id}`] });
    expect(worked.attributes).toMatchObject({
      'messaging.system': 'servicebus',
      'messaging.operation.type': 'process',
      'messaging.destination.name': queue,
    });
  }
  expect(ofTrace('face addFace')[0]?.attributes).toMatchObject({ 'rollcall.priority': 'background' });

  const headers = { traceparent: `00-${caller.trace}-${caller.span}-01`, 'content-type': 'image/jpeg' };
  for (let times = 0; times < 2; times += 1) {
    const body = new Uint8Array(readFileSync(probe.file));
    await stack.api(`groups/${group}/identify`, { method: 'POST', headers, body });
  }
  const answers = await eventually('both answers are told', () => {
    const told = named('identify');
    return told.length === 2 && told;
  });
  expect(answers.map(({ trace }) => trace)).toEqual([caller.trace, caller.trace]);
  expect(named('POST /groups/{group}/identify')[0]).toMatchObject({
    parent: caller.span,
    attributes: { 'http.route': '/groups/{group}/identify', 'http.response.status_code': 200 },
  });
});

test('what an operator needs to know is counted', async () => {
  const all = [...enrolled, ...refused];
  for (const { person, file } of all)
    await stack.drop(`enroll/${group}/${person}/${basename(file)}`, readFileSync(file));
  for (const { file } of probes) await stack.drop(`identify/${group}/${basename(file)}`, readFileSync(file));
  await eventually('all are settled', async () => {
    const { images, probes: asked } = await stack.group(group);
    // The first was enrolled before.
    const settled = (images['enrolled'] ?? 0) + (images['rejected'] ?? 0) === all.length + 1;
    return settled && asked['identified'] === probes.length;
  });
  await stack.covered(group);
  await stack.get(`groups/${group}/persons/franck`);
  await stack.get(`groups/${group}/images?person=franck`);
  const points = (name: MetricName) =>
    lines<Metric>('metric')
      .filter(({ metric }) => metric === name)
      .flatMap((line) => line.points);
  // A margin needs two candidates, and nothing refuses our calls here.
  const unseen: MetricName[] = [
    'rollcall.identify.margin',
    'rollcall.face.throttled',
    'rollcall.face.quota.limit',
  ];
  for (const name of Object.keys(metricsTable) as MetricName[]) {
    if (!unseen.includes(name)) await eventually(name, () => points(name).length > 0);
  }
  const told = (name: MetricName, attribute: string) =>
    new Set(points(name).map(({ attributes }) => attributes[attribute]));
  await eventually('why pictures were refused is told', () => {
    const reasons = told('rollcall.images', 'rollcall.reason');
    return refused.every(({ reason }) => reasons.has(reason));
  });
  expect(told('rollcall.face.calls', 'rollcall.priority')).toEqual(new Set(['background', 'interactive']));
  expect(told('rollcall.trainings', 'rollcall.outcome')).toContain('succeeded');
});

test('the log of all this names nobody: no person, no group, no picture, no key', () => {
  const log = stack.log().join('\n');
  const { faceKey, serviceBusConnectionString, storageConnectionString } = stack.stack.endpoints;
  const keyOf = (text: string, name: string) => new RegExp(`${name}=([^;]+)`).exec(text)?.[1] ?? name;
  const people = [...enrolled, ...refused].map(({ person }) => person);
  const files = [...enrolled, ...refused, ...probes].map(({ file }) => basename(file));
  const keys = [
    faceKey,
    keyOf(serviceBusConnectionString, 'SharedAccessKey'),
    keyOf(storageConnectionString, 'AccountKey'),
  ];
  const said = [group, ...people, ...files, ...keys].filter((secret) => log.includes(secret));
  expect(said).toEqual([]);
});
