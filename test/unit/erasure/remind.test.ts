import { beforeEach, expect, test } from 'vitest';
import { tables } from '../../../shared/config/resources.ts';
import { personKeyOf } from '../../../shared/records/keys.ts';
import { inMemory } from '../../helpers/inMemory.ts';

let app: ReturnType<typeof inMemory>;
beforeEach(() => {
  app = inMemory();
});

test('an erasure of a person that ends while the resync comes to it takes nothing of its group', async () => {
  await app.call('PUT', 'groups/g', { body: '{}' });
  const { erasures } = app.rollcall;
  const erasure = await erasures.open({ group: 'g', person: personKeyOf('g', 'ann') }, app.clock.now);
  app.before.access = async (what) => {
    if (what !== `get ${tables.erasures}`) return;
    app.before.access = () => undefined;
    await erasures.removed(erasure.id, erasure);
  };
  await app.rollcall.resync();
  expect(await erasures.get(erasure.id)).toHaveProperty('finishedAt');
  expect(await app.call('GET', 'groups/g')).toMatchObject({ status: 200 });
});
