import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const guide = await readFile('docs/architecture.md', 'utf8');
const invariants = guide.slice(guide.indexOf('## What always holds'), guide.indexOf('## Glossary'));
const holders = [...invariants.matchAll(/^ {2}- `(.+?)`: “(.+?)”$/gm)].map(
  ([, file = '', title = '']) => [file, title] as const,
);

test('every invariant of the architecture names a test', () => {
  expect(invariants.match(/^- /gm)?.length).toBeGreaterThan(10);
  expect(invariants).not.toMatch(/^- .+\n(?! {2}- )/m);
  expect(holders).toHaveLength(invariants.match(/^ {2}- /gm)?.length ?? 0);
});

test.each(holders)('%s has a test with the title: %s', async (file, title) => {
  const titles = (await readFile(file, 'utf8')).match(/^\s*(?:(?:test|describe)\b.*)?'.*',/gm) ?? [];
  expect(titles.filter((line) => line.includes(title))).not.toEqual([]);
});

const documents = globSync(['*.md', 'docs/*.md']);

test.each(documents)(
  '%s has links to files that exist, and no cell that is longer than a line',
  async (path) => {
    const text = await readFile(path, 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(join(dirname(path), link)))).toEqual([]);
    const cells = text.split('\n').flatMap((line) => (line.startsWith('|') ? line.split('|') : []));
    expect(cells.map((cell) => cell.trim()).filter((cell) => cell.length > 120)).toEqual([]);
  },
);

test.each([...documents, ...globSync('emulators/*/README.md')])(
  '%s names only files that exist',
  async (path) => {
    const named = (await readFile(path, 'utf8')).matchAll(
      /`((?:shared|functions|emulators|cli|scripts|tools|test|infra|docs)\/[\w./-]+\.(?:ts|md|json|bicep|js))`/g,
    );
    expect([...named].map(([, file = '']) => file).filter((file) => !existsSync(file))).toEqual([]);
  },
);
