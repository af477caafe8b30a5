import { deferredForMs } from '../../../shared/errors/errors.ts';
import {
  createRateLimiter,
  type RateLimiter,
  type ScheduleStore,
} from '../../../shared/quota/rateLimiter.ts';
import type { Schedule } from '../../../shared/quota/schedule.ts';
import { virtualTime } from './virtualTime.ts';

export type Simulation = {
  seed: number;
  calls: number;
  windowMs: number;
  workers: number;
  /** A call arrives so much later than it leaves, at most. */
  jitterMs: number;
  /** The part of timers and of the table's answers that come late, by up to half a second. */
  stalls: number;
  /** How many of the workers die, holding what they hold. */
  deaths: number;
  forMs: number;
  /** Interactive calls, as a part of the quota; the rest of it is behind a backlog. */
  interactive: number;
  /** What Face says to an arrival. */
  accept?: (at: number) => boolean;
};

export type Outcome = {
  /** When calls arrived at Face, in the order of arrival; milliseconds since the start. */
  arrivals: number[];
  refusedAt: number[];
  /** When interactive callers came, and how long they waited; milliseconds. */
  interactiveWaits: { at: number; ms: number }[];
  /** How often callers of the background were sent away. */
  deferredUntil: number;
};

/** Instances on one shared schedule, in virtual time; the table, the network and Face are simulated. */
export async function simulate(options: Simulation): Promise<Outcome> {
  const { calls, windowMs, workers, jitterMs, forMs, accept = () => true } = options;
  const random = randomOf(options.seed);
  const startAt = 1_700_000_000_000;
  const time = virtualTime(startAt);
  const outcome: Outcome = { arrivals: [], refusedAt: [], interactiveWaits: [], deferredUntil: 0 };
  const row: { schedule?: Schedule; etag: number } = { etag: 0 };
  const sleep = time.sleep;

  // One way; now and then the table takes long.
  const tableMs = () => 1 + random() * 4 + (random() < options.stalls ? random() * 500 : 0);

  const store: ScheduleStore = {
    async read() {
      await sleep(tableMs());
      const answer = row.schedule && { schedule: row.schedule, etag: String(row.etag) };
      await sleep(1 + random() * 4);
      return answer;
    },
    async write(schedule, etag) {
      await sleep(tableMs());
      const isCurrent = (row.schedule === undefined ? undefined : String(row.etag)) === etag;
      if (isCurrent) Object.assign(row, { schedule, etag: row.etag + 1 });
      const answer = { etag: String(row.etag), writtenAt: time.now() };
      await sleep(1 + random() * 4);
      return isCurrent ? answer : undefined;
    },
  };

  const limiters = Array.from({ length: workers }, (_, index) => {
    const diesAt = index < options.deaths ? startAt + random() * forMs : Infinity;
    const isDead = () => time.now() >= diesAt;
    const stall = () => (isDead() ? Infinity : random() < options.stalls ? random() * 500 : 0);
    const clock = time.machine((random() - 0.5) * 500, stall);
    const limiter = createRateLimiter({ quota: [{ calls, windowMs }], store, clock, random });
    return { limiter, isDead };
  });

  async function call(limiter: RateLimiter, priority: 'interactive' | 'background'): Promise<void> {
    const permit = await limiter.acquire(priority);
    await sleep(random() * jitterMs);
    outcome.arrivals.push(time.now() - startAt);
    if (!accept(time.now())) {
      outcome.refusedAt.push(time.now() - startAt);
      await limiter.refused(permit, 1_000);
      return;
    }
    const serviceMs = 20 + random() * 180;
    await sleep(serviceMs);
    permit.answered(serviceMs);
  }

  async function backlog({ limiter, isDead }: (typeof limiters)[number]): Promise<void> {
    while (!isDead()) {
      try {
        await call(limiter, 'background');
      } catch (error) {
        const deferredMs = deferredForMs(error);
        if (deferredMs === undefined) throw error;
        outcome.deferredUntil += 1;
        await sleep(deferredMs);
      }
    }
  }

  async function interactiveCallers(): Promise<void> {
    const meanMs = windowMs / calls / options.interactive;
    for (let next = 0; ;) {
      await sleep(-Math.log(1 - random()) * meanMs);
      next += 1;
      const worker = limiters[next % workers];
      if (worker === undefined || worker.isDead()) continue;
      const { limiter } = worker;
      const askedAt = time.now();
      void limiter.acquire('interactive').then(
        async (permit) => {
          outcome.interactiveWaits.push({ at: askedAt - startAt, ms: time.now() - askedAt });
          await sleep(random() * jitterMs);
          outcome.arrivals.push(time.now() - startAt);
          const serviceMs = 20 + random() * 180;
          await sleep(serviceMs);
          permit.answered(serviceMs);
        },
        (error: unknown) => {
          const deferredMs = deferredForMs(error);
          if (deferredMs === undefined) throw error;
          outcome.interactiveWaits.push({ at: askedAt - startAt, ms: deferredMs });
        },
      );
    }
  }

  const callers = Math.max(8, Math.ceil((0.5 * calls) / workers));
  for (const worker of limiters) for (let caller = 0; caller < callers; caller += 1) void backlog(worker);
  if (options.interactive > 0) void interactiveCallers();
  await time.runUntil(startAt + forMs);
  return outcome;
}

/** A small generator of random numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
