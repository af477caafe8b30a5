import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  apiDocument,
  bicepResources,
  errorsGuide,
  operationsGuide,
  settingsGuide,
} from '../../../scripts/guides.ts';
import { readSettings } from '../../../shared/config/settings.ts';

const least = { FACE_ENDPOINT: 'https://name.cognitiveservices.azure.com' };

test('defaults are those that the documentation promises', () => {
  expect(readSettings(least)).toMatchObject({
    FACE_QUOTA: [{ calls: 10, windowMs: 1_000 }],
    RECOGNITION_MODEL: 'recognition_04',
    DETECTION_MODEL: 'detection_03',
    ENROLL_MIN_QUALITY: 'high',
    ENROLL_SEVERAL_FACES: 'dominant',
    TRAIN_QUIET_SECONDS: 2,
    TRAIN_MAX_WAIT_SECONDS: 8,
    RETRAIN_SCHEDULE: '0 0 3 * * *',
    SWEEP_SCHEDULE: '*/30 * * * * *',
    ROLLCALL_AUTH: 'keys',
    RESULT_RETENTION_DAYS: 30,
    PROBE_RETENTION_DAYS: 7,
  });
});

test.each([
  [{}, /FACE_ENDPOINT is not set/],
  [{ ...least, FACE_QUOTA: 'fast' }, /FACE_QUOTA: expected a rate such as "10\/s".*it is "fast"/],
  [{ ...least, TRAIN_QUIET_SECONDS: 'soon' }, /TRAIN_QUIET_SECONDS/],
  [{ ...least, ENROLL_MIN_QUALTY: 'high' }, /ENROLL_MIN_QUALTY is not a setting/],
  [{ ...least, SWEEP_SCHEDULE: '* * *' }, /SWEEP_SCHEDULE: expected six fields/],
])('a bad setting stops the start with a sentence: %j', (env, message) => {
  expect(() => readSettings(env)).toThrow(message);
});

test('a key is never shown', () => {
  expect(() => readSettings({ ...least, FACE_APIKEY: 'secret', FACE_QUOTA: '?' })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('secret') as string }),
  );
});

test('the guides are those of the tables: npm run docs writes them', async () => {
  expect(await readFile('docs/settings.md', 'utf8')).toBe(await settingsGuide());
  expect(await readFile('docs/errors.md', 'utf8')).toBe(await errorsGuide());
  expect(await readFile('docs/operations.md', 'utf8')).toBe(await operationsGuide());
  expect(await readFile('docs/openapi.json', 'utf8')).toBe(await apiDocument());
  expect(await readFile('infra/resources.json', 'utf8')).toBe(await bicepResources());
});
