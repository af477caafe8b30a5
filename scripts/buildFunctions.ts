import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { prunedLock, type Lock } from './prunedLock.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/**
 * Stays outside the bundle: the worker gives @azure/functions its core by `require`, sharp is native, and the license of
 * libheif-js asks that it can be replaced.
 */
const external = ['@azure/functions', 'sharp', 'libheif-js'];

/** The telemetry SDK is asked for only where it is switched on: it is a file of its own. */
const telemetryApart: Plugin = {
  name: 'telemetry-apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/telemetrySdk\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './telemetry.cjs', external: true } : undefined,
    );
  },
};

/** The decoder runs in a thread of its own, from a file of its own. */
const decoderApart: Plugin = {
  name: 'decoder-apart',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/decoderFile\.ts$/ }, () => ({
      contents: "export const decoderFile = require('node:path').join(__dirname, 'decoder.cjs');",
      loader: 'js',
    }));
  },
};

export type Built = {
  /** Bytes of each file of `dist`. */
  files: Record<string, number>;
  /** Bytes that each package has in `dist/functions.cjs`; `rollcall` is our own code. */
  packages: Record<string, number>;
};

/**
 * Builds `dist`, the folder that Azure runs: the functions in one CommonJS file, and the packages outside it in a
 * package.json and lock file of their own. Each file takes the place of the earlier one as a whole, since functions may be
 * loaded while they are built.
 */
export async function buildFunctions(): Promise<Built> {
  await mkdir(dist, { recursive: true });
  // Packages of another system, from an earlier `npm run package`, would win over those of this machine.
  await rm(join(dist, 'node_modules'), { recursive: true, force: true });
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      functions: 'functions/index.ts',
      telemetry: 'functions/host/telemetrySdk.ts',
      decoder: 'shared/images/decoder.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
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
    external: [...external, '@azure/functions-core'],
    logLevel: 'warning',
    plugins: [telemetryApart, decoderApart, oneOfEach],
    metafile: true,
    write: false,
  });
  for (const { path, contents } of outputFiles) await writeWhole(basename(path), contents);
  await writeWhole('host.json', await readFile(join(root, 'host.json')));
  const descriptions = await describe();
  const sizes = Object.entries(metafile.outputs).map(([file, { bytes }]) => [
    file.replace('dist/', ''),
    bytes,
  ]);
  return {
    files: { ...(Object.fromEntries(sizes) as Record<string, number>), ...descriptions },
    packages: packagesOf(metafile.outputs['dist/functions.cjs']?.inputs ?? {}),
  };
}

async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = join(dist, `.${file}.${process.pid}`);
  await writeFile(unfinished, content);
  await rename(unfinished, join(dist, file));
}

async function describe(): Promise<Record<string, number>> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(root, file), 'utf8'));
  const {
    name,
    version,
    private: isPrivate,
    engines,
    dependencies,
  } = (await read('package.json')) as {
    name: string;
    version: string;
    private: boolean;
    engines: Record<string, string>;
    dependencies: Record<string, string>;
  };
  const kept = Object.fromEntries(external.map((dependency) => [dependency, dependencies[dependency] ?? '']));
  const description = {
    name,
    version,
    private: isPrivate,
    main: 'functions.cjs',
    engines,
    dependencies: kept,
  };
  const lock = prunedLock((await read('package-lock.json')) as Lock, description);
  const sizes: Record<string, number> = {};
  for (const [file, content] of [
    ['package.json', description],
    ['package-lock.json', lock],
  ] as const) {
    const text = `${JSON.stringify(content, undefined, 2)}\n`;
    await writeWhole(file, text);
    sizes[file] = text.length;
  }
  return sizes;
}

function packagesOf(inputs: Record<string, { bytesInOutput: number }>): Record<string, number> {
  const packages: Record<string, number> = {};
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'rollcall';
    packages[name] = (packages[name] ?? 0) + bytesInOutput;
  }
  return packages;
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
