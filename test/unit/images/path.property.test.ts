import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { anyCharacter } from '../../helpers/anyCharacter.ts';
import { sizeOf } from '../../helpers/size.ts';

test('whatever a path is, its keys fit into a table, a session and a message', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (text) => {
      for (const container of ['enroll', 'identify']) {
        const { ref } = placeOf(`${container}/${text}`);
        for (const key of [ref.image, ref.person ?? 'p']) expect(key).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
      }
    }),
    { numRuns: sizeOf({ quick: 200, full: 20_000 }) },
  );
});
