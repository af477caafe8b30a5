import { failures, type FailureCode } from '../../shared/errors/errors.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import { countOf } from '../import/tally.ts';

/** Sends what failed round again, or what failed or was rejected for one reason. */
export async function redrive(
  { output, connect, program }: Context,
  { reason }: { reason?: string },
): Promise<void> {
  if (reason !== undefined && !Object.hasOwn(failures, reason))
    throw new UsageError(`--reason takes a code of docs/errors.md, such as low_quality, not "${reason}"`);
  const { call } = await connect();
  let redriven = 0;
  let after: string | undefined;
  do {
    const page = await call('POST failures/redrive', {
      query: { reason: reason as FailureCode | undefined, after },
    });
    redriven += page.redriven;
    after = page.next;
  } while (after !== undefined);
  output.item({ redriven });
  output.print(`${countOf(redriven, 'picture')} go round again. What becomes of them: ${program} status`);
}
