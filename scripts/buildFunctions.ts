import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { pruneLock, type Lock } from './pruneLock.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/**
 * The packages outside the bundle: the Functions worker provides the core of @azure/functions through `require`, sharp
 * is native, and the license of libheif-js requires that its users can replace it.
 */
const external = ['@azure/functions', 'sharp', 'libheif-js'];

/** Puts the telemetry SDK into a separate file, because it is loaded only where telemetry is on. */
const separateTelemetry: Plugin = {
  name: 'separate telemetry',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/telemetrySdk\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './telemetry.cjs', external: true } : undefined,
    );
  },
};

/** Puts the image decoder into a separate file, because a worker thread starts from a file. */
const separateDecoder: Plugin = {
  name: 'separate decoder',
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
  /** Bytes of each package in `dist/functions.cjs`; `rollcall` is the project's own code. */
  packages: Record<string, number>;
};

/**
 * Builds `dist`, the folder that Azure runs: the functions in one CommonJS file, and a package.json and a lock file for
 * the packages outside it. Each file is replaced as a whole, because functions may be loaded during a build.
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
    // Halves the time to read the bundle at a cold start. Names are kept for stack traces.
    minifyWhitespace: true,
    // Node prints the whole source line of an uncaught error.
    lineLimit: 300,
    sourcemap: true,
    sourcesContent: false,
    external: [...external, '@azure/functions-core'],
    logLevel: 'warning',
    plugins: [separateTelemetry, separateDecoder, oneFormat],
    metafile: true,
    write: false,
  });
  for (const { path, contents } of outputFiles) await writeWhole(basename(path), contents);
  await writeWhole('host.json', await readFile(join(root, 'host.json')));
  const descriptions = await writeDescriptions();
  const sizes = Object.entries(metafile.outputs).map(([file, { bytes }]) => [
    file.replace('dist/', ''),
    bytes,
  ]);
  return {
    files: { ...(Object.fromEntries(sizes) as Record<string, number>), ...descriptions },
    packages: sumByPackage(metafile.outputs['dist/functions.cjs']?.inputs ?? {}),
  };
}

async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = join(dist, `.${file}.${process.pid}`);
  await writeFile(unfinished, content);
  await rename(unfinished, join(dist, file));
}

/** Writes package.json and package-lock.json of `dist`, and returns the bytes of each. */
async function writeDescriptions(): Promise<Record<string, number>> {
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
  const lock = pruneLock((await read('package-lock.json')) as Lock, description);
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

function sumByPackage(inputs: Record<string, { bytesInOutput: number }>): Record<string, number> {
  const packages: Record<string, number> = {};
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'rollcall';
    packages[name] = (packages[name] ?? 0) + bytesInOutput;
  }
  return packages;
}

/**
 * Azure's libraries exist as CommonJS and as ES modules, and import each other in both ways. Without this plugin the
 * bundle would hold the packages that they share twice.
 */
const oneFormat: Plugin = {
  name: 'one format of each library',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@(azure|typespec)\// }, ({ path, kind, importer, resolveDir, pluginData }) =>
      kind !== 'require-call' || pluginData === oneFormat
        ? undefined
        : resolve(path, { kind: 'import-statement', importer, resolveDir, pluginData: oneFormat }),
    );
  },
};
