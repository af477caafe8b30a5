import fc from 'fast-check';

const surrogates = 0x800;

/** Any character of Unicode, never half a pair. That of fast-check (`unit: 'binary'`) takes seconds to make. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - surrogates })
  .map((code) => String.fromCodePoint(code < 0xd800 ? code : code + surrogates));
