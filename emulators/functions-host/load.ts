import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { App } from './core.ts';

const packageJson = z.object({ main: z.string() });
const localSettings = z.object({ Values: z.record(z.string(), z.string()).default({}) });

/** Adds the values of `local.settings.json` to the environment. A variable that is set already keeps its value. */
export async function readLocalSettings(appDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const text = await readFile(join(appDir, 'local.settings.json'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (text === undefined) return;
  for (const [name, value] of Object.entries(localSettings.parse(JSON.parse(text)).Values))
    env[name] ??= value;
}

/**
 * Loads the files that match `main` of package.json, a glob, and runs the appStart hooks, as the real host does.
 * @throws Error when there is no file or no function, or when a file throws
 */
export async function loadApp(appDir: string, app: App): Promise<void> {
  const { main } = packageJson.parse(JSON.parse(await readFile(join(appDir, 'package.json'), 'utf8')));
  const files = globSync(main, { cwd: appDir }).toSorted();
  // Source maps of packages are left out, because they take a fifth of a second to read.
  setSourceMapsSupport(true, { nodeModules: false });
  if (files.length === 0)
    throw new Error(`no file matches main of package.json (${main}); is the app built?`);
  for (const file of files) {
    try {
      await import(pathToFileURL(join(appDir, file)).href);
    } catch (error) {
      throw new Error(
        `${file} could not be loaded: ${error instanceof Error ? error.message : String(error)}`,
        {
          cause: error,
        },
      );
    }
  }
  const hookContext = { appHookData: {}, functionAppDirectory: appDir };
  for (const hook of app.hooks.appStart) await hook(hookContext);
  await app.model?.getCapabilities({});
  app.started = true;
  if (app.functions.length === 0) throw new Error('the app registers no function');
}
