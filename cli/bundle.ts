import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/*
 * Compiles the client to JavaScript, since Node reads no TypeScript below node_modules: every library is inside, those of
 * Azure in files that are read only when they are needed. `npm pack --workspace @rollcall/cli` calls it.
 */

const root = join(import.meta.dirname, '..');
const dist = join(import.meta.dirname, 'dist');

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { packaged: 'cli/packaged.ts', supportedNode: 'shared/config/supportedNode.js' },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['sharp'],
  // The libraries of Azure come as CommonJS too, and call `require`.
  banner: {
    js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
await copyFile(join(root, 'LICENSE'), join(dist, 'LICENSE'));
await writeFile(join(dist, 'licenses.txt'), await readLicenses(Object.keys(metafile.inputs)));

/** The licences of the packages whose code is inside. */
async function readLicenses(files: readonly string[]): Promise<string> {
  const folders = new Set(
    files.flatMap((file) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts: string[] = [];
  for (const folder of [...folders].toSorted()) {
    const { name, version, license } = JSON.parse(
      await readFile(join(root, folder, 'package.json'), 'utf8'),
    ) as {
      name: string;
      version: string;
      license: string;
    };
    const text = await readLicense(join(root, folder));
    texts.push(`${name} ${version} (${license})\n\n${text}`);
  }
  return texts.join('\n\n---\n\n');
}

async function readLicense(folder: string): Promise<string> {
  for (const name of ['LICENSE', 'LICENSE.txt', 'LICENSE.md', 'license', 'License'])
    try {
      return (await readFile(join(folder, name), 'utf8')).trim();
    } catch {
      // It has another name.
    }
  return '';
}
