import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { assemble, assembledFile, kernels } from '../../../scripts/kernels.ts';

for (const file of kernels) {
  test(`the assembled loops are those whose text is there: ${basename(file)}`, async () => {
    expect(Buffer.from(await assemble(file)).equals(readFileSync(assembledFile(file)))).toBe(true);
  });
}
