import { z } from 'zod';
import type { Environment } from './connections.ts';
import { parseQuota, type Quota } from './quota.ts';

const seconds = z.coerce.number().min(0).max(86_400);
const days = z.coerce.number().int().min(1).max(3_650);
const model = z.enum(['recognition_01', 'recognition_02', 'recognition_03', 'recognition_04']);
const schedule = z
  .string()
  .regex(/^\S+( \S+){5}$/, 'expected six fields, seconds first, for example "0 0 3 * * *"');

const quota = z.string().transform((text, context): Quota => {
  const parsed = parseQuota(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({
    code: 'custom',
    message: 'expected a rate such as "10/s", "20/min,30000/month" or "none"',
  });
  return z.NEVER;
});

type Setting = {
  schema: z.ZodType;
  /** One line; the guide to settings holds it in a cell of its table. */
  meaning: string;
  /** Further sentences, which the guide to settings holds below its table. */
  more?: string;
};

/**
 * All settings, except the connections `ROLLCALL_STORAGE` and `ROLLCALL_SERVICEBUS`: for these see
 * `expectConnections`.
 */
export const settingsTable = {
  FACE_ENDPOINT: {
    schema: z.url({ protocol: /^https?$/ }),
    meaning: 'The endpoint of the Face resource, for example https://name.cognitiveservices.azure.com',
  },
  FACE_APIKEY: {
    schema: z.string().min(1).optional(),
    meaning: 'A key of the Face resource. Without it the managed identity is used.',
  },
  FACE_QUOTA: {
    schema: quota.prefault('10/s'),
    meaning: 'The calls that the plan of the Face resource allows. "20/min,30000/month" is the free plan.',
  },
  FACE_TIMEOUT_SECONDS: {
    schema: seconds.min(1).default(20),
    meaning: 'Seconds after which a call to Face counts as unanswered.',
  },
  FACE_ID_LIFETIME_SECONDS: {
    schema: z.coerce.number().int().min(300).max(86_400).default(86_400),
    meaning: 'Seconds that Face keeps a detected face for findSimilar and identify (at most a day).',
  },
  RECOGNITION_MODEL: { schema: model.default('recognition_04'), meaning: 'Recognition model of new groups.' },
  DETECTION_MODEL: {
    schema: z.enum(['detection_01', 'detection_02', 'detection_03']).default('detection_03'),
    meaning: 'Detection model for every image.',
  },
  ENROLL_MIN_QUALITY: {
    schema: z.enum(['high', 'medium', 'low', 'none']).default('high'),
    meaning: 'The least qualityForRecognition with which a face is enrolled.',
    more:
      'With "none", and "reject" for ENROLL_SEVERAL_FACES, an image costs one call to Face instead of two: ' +
      'no detection gives its face an ID, so that the face is found only once a training covers it.',
  },
  ENROLL_SEVERAL_FACES: {
    schema: z.enum(['reject', 'dominant', 'largest']).default('dominant'),
    meaning:
      'Which face of an image with several faces is enrolled: the "largest", the "dominant", or none ("reject").',
    more:
      'The dominant face is twice as wide as every other, or 1.2 times as wide and alone in the middle. An image ' +
      'without one is rejected.',
  },
  ENROLL_PART_CALLS: {
    schema: z.coerce.number().int().min(0).max(16).default(4),
    meaning:
      'How many parts of an image are searched when it had to be shrunk for Face and no face was found.',
    more: 'Each part costs a call to Face; 0 searches none.',
  },
  TRAIN_QUIET_SECONDS: {
    schema: seconds.default(2),
    meaning: 'Seconds without a change of a group after which the group is trained.',
  },
  TRAIN_MAX_WAIT_SECONDS: {
    schema: seconds.default(8),
    meaning:
      'The most seconds that a change waits for a training; four times the last training, if that is longer.',
  },
  RETRAIN_SCHEDULE: {
    schema: schedule.default('0 0 3 * * *'),
    meaning: 'When every group is trained anew (six fields, seconds first, UTC).',
  },
  SWEEP_SCHEDULE: {
    schema: schedule.default('*/30 * * * * *'),
    meaning: 'When the resync runs (six fields, seconds first, UTC).',
  },
  SWEEP_GRACE_SECONDS: {
    schema: seconds.default(120),
    meaning: 'The age of an image in seconds from which the resync takes its event for lost.',
  },
  ROLLCALL_AUTH: {
    schema: z.enum(['keys', 'entra']).default('keys'),
    meaning:
      'How HTTP callers prove who they are: by function keys ("keys"), or by Microsoft Entra ("entra").',
    more:
      'With "entra", App Service authentication stands in front, and callers need the app roles Rollcall.Identify, ' +
      'Rollcall.Enroll or Rollcall.Admin.',
  },
  CORS_ORIGINS: {
    schema: z.string().optional(),
    meaning:
      'Origins, separated by commas, whose web pages may call the HTTP API on this machine; "*" for any.',
    more: 'For example "https://page.example". In Azure the parameter corsOrigins of the Bicep files decides.',
  },
  ROLLCALL_TELEMETRY: {
    schema: z.enum(['off', 'azure', 'otlp', 'console']).default('off'),
    meaning: 'Where traces and metrics go; see the guide to operations.',
  },
  RESULT_RETENTION_DAYS: { schema: days.default(30), meaning: 'Days that results are kept.' },
  PROBE_RETENTION_DAYS: {
    schema: days.default(7),
    meaning: 'Days that images in identify are kept; then the resync deletes them.',
  },
} as const satisfies Record<string, Setting>;

export type Settings = {
  readonly [Name in keyof typeof settingsTable]: z.output<(typeof settingsTable)[Name]['schema']>;
};

const ours = /^(ROLLCALL|FACE|ENROLL|TRAIN|RETRAIN|SWEEP|RECOGNITION|DETECTION|RESULT|PROBE)_/;
const connections = /^ROLLCALL_(STORAGE|SERVICEBUS)(__[A-Za-z]+)?$/;

/**
 * Reads and checks all settings.
 * @throws Error with one sentence per wrong setting: its name, the expected value and the given value
 */
export function readSettings(env: Environment): Settings {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { schema }] of Object.entries(settingsTable)) {
    const parsed = schema.safeParse(env[name] === '' ? undefined : env[name]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(describeProblem(name, env[name], parsed.error));
  }
  for (const name of Object.keys(env)) {
    if (ours.test(name) && !connections.test(name) && !(name in settingsTable)) {
      problems.push(`${name} is not a setting of Rollcall; see docs/settings.md for those there are.`);
    }
  }
  if (problems.length > 0) throw new Error(`Settings: ${problems.join(' ')}`);
  return values as Settings;
}

function describeProblem(name: string, value: string | undefined, error: z.ZodError): string {
  const expected = error.issues.map((issue) => issue.message).join(', ');
  if (value === undefined || value === '')
    return `${name} is not set: ${settingsTable[name as keyof Settings].meaning}`;
  return `${name}: ${expected}; it is ${name.endsWith('KEY') ? '(not shown)' : JSON.stringify(value)}.`;
}
