import { build } from 'esbuild';

/**
 * Bundles the functions into what Azure runs. CommonJS, because the worker gives @azure/functions its core by
 * `require`; that library, its core and the native sharp stay outside the bundle.
 */
const result = await build({
  entryPoints: ['functions/index.ts'],
  outfile: 'dist/functions.cjs',
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  sourcemap: true,
  sourcesContent: false,
  external: ['@azure/functions', '@azure/functions-core', 'sharp'],
  logLevel: 'warning',
  metafile: true,
});
const bytes = Object.values(result.metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist/functions.cjs: ${(bytes / 1024 / 1024).toFixed(1)} MB with its source map`);
