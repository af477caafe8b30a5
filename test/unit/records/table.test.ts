import type { TableClient } from '@azure/data-tables';
import { expect, test } from 'vitest';
import { createTable } from '../../../shared/records/table.ts';

test('a long record is kept in properties of at most 64 KiB, none of which ends in half a character', async () => {
  let entity: Record<string, unknown> = {};
  const client = {
    createEntity: async (given: Record<string, unknown>) => {
      entity = given;
      return { etag: 'x' };
    },
    getEntity: async () => ({ ...entity, etag: 'x' }),
  };
  const table = createTable(client as unknown as TableClient);
  for (const lead of ['', 'x']) {
    const value = { text: lead + '🙂'.repeat(100_000) };
    await table.replace('p', 'r', value, undefined);
    const chunks = Object.entries(entity).flatMap(([name, text]) => (name.startsWith('value') ? text : []));
    expect(chunks.every((chunk) => String(chunk).isWellFormed() && String(chunk).length <= 32_768)).toBe(
      true,
    );
    expect((await table.get('p', 'r'))?.value).toEqual(value);
  }
});
