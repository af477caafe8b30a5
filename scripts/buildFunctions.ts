import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');

/**
 * Bundles the functions into `dist/functions.cjs`, which is what Azure runs. CommonJS, because the worker gives
 * @azure/functions its core by `require`; that library, its core and the native sharp stay outside the bundle.
 * Resolves with its size in bytes, without the source map.
 */
export async function buildFunctions(): Promise<number> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['functions/index.ts'],
    outfile: 'dist/functions.cjs',
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    minifySyntax: true,
    // Half as long to read at a cold start; names stay for stack traces.
    minifyWhitespace: true,
    // Node prints the whole line of an uncaught error.
    lineLimit: 300,
    sourcemap: true,
    sourcesContent: false,
    external: ['@azure/functions', '@azure/functions-core', 'sharp'],
    logLevel: 'warning',
    plugins: [oneOfEach],
    metafile: true,
  });
  return metafile.outputs['dist/functions.cjs']?.bytes ?? 0;
}

/**
 * Azure's libraries come as CommonJS and as ES modules, and ask for each other in both ways: without this the bundle
 * would hold their common parts twice.
 */
const oneOfEach: Plugin = {
  name: 'one of each library',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@(azure|typespec)\// }, ({ path, kind, importer, resolveDir, pluginData }) =>
      kind !== 'require-call' || pluginData === oneOfEach
        ? undefined
        : resolve(path, { kind: 'import-statement', importer, resolveDir, pluginData: oneOfEach }),
    );
  },
};
