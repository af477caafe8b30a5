import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Answer, type ApiClient } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit.ts';
import { countOf } from '../import/tally.ts';
import { askYes, canAsk } from '../terminal/ask.ts';

export type DeleteOptions = { group: string; image?: string; probes?: boolean; yes?: boolean };

const lookEveryMs = 500;

/** Deletes a picture, a person or a group, and waits until the receipt says that it is gone. */
export async function deleteData(
  context: Context,
  person: string | undefined,
  options: DeleteOptions,
): Promise<ExitCode> {
  const { output } = context;
  const { group, image, probes } = options;
  if (image !== undefined && person === undefined) throw new UsageError('--image also needs the person');
  if (probes === true && (person === undefined || image !== undefined))
    throw new UsageError('--probes is about a whole person');
  const { call } = await context.connect();
  if (!(await confirm(context, call, person, options))) {
    output.note('Nothing is deleted.');
    return exitCodes.stopped;
  }
  if (person !== undefined && image !== undefined) {
    const place = { group, person, image };
    const answer = await call('DELETE groups/{group}/persons/{person}/images/{*image}', place);
    output.item(answer);
    output.print(`${answer.image} is deleted; its face goes next.`);
    return exitCodes.done;
  }
  const receipt =
    person === undefined
      ? await call('DELETE groups/{group}', { group })
      : await call('DELETE groups/{group}/persons/{person}', {
          group,
          person,
          query: { probes: probes === true ? 'delete' : 'keep' },
        });
  output.note(`From now on no answer names ${person ?? `anybody of ${group}`}. Deletion ${receipt.id}`);
  printReceipt(context, await waitUntilRemoved(call, receipt));
  return exitCodes.done;
}

async function confirm(
  { output }: Context,
  call: ApiClient,
  person: string | undefined,
  { group, image, yes }: DeleteOptions,
): Promise<boolean> {
  if (yes === true) return true;
  if (!canAsk(output)) throw new UsageError('nobody can be asked here: --yes deletes without asking');
  if (image !== undefined) return askYes(output, `Delete the picture ${image} of ${person ?? ''}?`);
  if (person !== undefined) {
    const { images } = await call('GET groups/{group}/persons/{person}', { group, person });
    return askYes(
      output,
      `Delete ${person} with ${countOf(images.enrolled, 'enrolled picture')} and everything else?`,
    );
  }
  const { persons, images } = await call('GET groups/{group}', { group });
  return askYes(
    output,
    `Delete the whole group ${group}: ${persons} people, ${countOf(images.enrolled, 'enrolled picture')}?`,
  );
}

type Receipt = Answer<'GET erasures/{id}'>;

async function waitUntilRemoved(call: ApiClient, receipt: Receipt): Promise<Receipt> {
  let last = receipt;
  while (last.state === 'running') {
    await sleep(lookEveryMs);
    last = await call('GET erasures/{id}', { id: last.id }).catch((error: unknown) => {
      if (error instanceof ApiError && error.status >= 500) return last;
      throw error;
    });
  }
  return last;
}

function printReceipt({ output }: Context, receipt: Receipt): void {
  output.item(receipt);
  const { blobs, faces, pictures, faceIds, results } = receipt.erased;
  output.print(
    `Removed: ${countOf(blobs, 'picture')}, ${countOf(faces, 'face')} in Face, ${countOf(pictures, 'record')}, ${countOf(faceIds, 'face ID')}, ${countOf(results, 'result')}.`,
    'green',
  );
  for (const { what, why, until } of receipt.kept)
    output.print(
      `Kept${until === undefined ? '' : ` until ${until.slice(0, 16).replace('T', ' ')}`}: ${what}. ${why}`,
    );
}
