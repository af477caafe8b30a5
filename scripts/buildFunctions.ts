import { join } from 'node:path';
import { build } from 'esbuild';

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
    sourcemap: true,
    sourcesContent: false,
    external: ['@azure/functions', '@azure/functions-core', 'sharp'],
    logLevel: 'warning',
    metafile: true,
  });
  return metafile.outputs['dist/functions.cjs']?.bytes ?? 0;
}
