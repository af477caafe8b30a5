import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** A .NET TimeSpan such as `00:00:01` or `1.00:00:00`, in milliseconds. */
const timeSpan = z
  .string()
  .regex(/^(\d+\.)?\d{2}:\d{2}:\d{2}(\.\d+)?$/, 'expected a time span such as "00:00:30"')
  .transform((text) => {
    const match = /^(?:(\d+)\.)?(\d{2}):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(text);
    const [days = 0, hours = 0, minutes = 0, secs = 0] = (match?.slice(1) ?? []).map((digits) =>
      Number(digits ?? 0),
    );
    return (((days * 24 + hours) * 60 + minutes) * 60 + secs) * 1_000;
  });

// The defaults are those of the real host on one core.
const schema = z.object({
  version: z.literal('2.0'),
  functionTimeout: timeSpan.default(5 * 60_000),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      blobs: z
        .object({
          maxDegreeOfParallelism: z.int().min(1).default(8),
          poisonBlobThreshold: z.int().min(1).default(5),
        })
        .prefault({}),
      serviceBus: z
        .object({
          prefetchCount: z.int().min(0).default(0),
          autoCompleteMessages: z.boolean().default(true),
          maxAutoLockRenewalDuration: timeSpan.default(5 * 60_000),
          maxConcurrentCalls: z.int().min(1).default(16),
          maxConcurrentSessions: z.int().min(1).default(8),
          // The real host's default is the try timeout of the client: a minute, in which a slot holds an empty session.
          sessionIdleTimeout: timeSpan.default(60_000),
        })
        .prefault({}),
    })
    .prefault({}),
  logging: z.object({ logLevel: z.record(z.string(), z.string()).default({}) }).prefault({}),
});

export type HostSettings = z.output<typeof schema>;

/** Reads host.json. @throws Error that says which values were expected */
export async function readHostSettings(appDir: string): Promise<HostSettings> {
  const parsed = schema.safeParse(JSON.parse(await readFile(join(appDir, 'host.json'), 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`host.json: ${z.prettifyError(parsed.error)}`);
}
