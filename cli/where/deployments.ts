import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** A deployment that `rollcall login` remembers. `key`: a function key; `scope`: of a sign-in with Microsoft Entra. */
export type Deployment = { url: string; key?: string; scope?: string; storageUrl?: string };

/** The deployments by name; `last`: the one that is meant where none is named. */
export type Deployments = { last?: string; deployments: Record<string, Deployment> };

type Env = Readonly<Record<string, string | undefined>>;

/** The file in the user's folder, which its owner alone can read. */
export function deploymentsFile(env: Env): string {
  const config =
    env['XDG_CONFIG_HOME'] ??
    (process.platform === 'win32' ? env['APPDATA'] : undefined) ??
    join(env['HOME'] ?? homedir(), '.config');
  return join(config, 'rollcall', 'deployments.json');
}

/** @throws Error that names the file when it cannot be read */
export async function readDeployments(env: Env): Promise<Deployments> {
  const file = deploymentsFile(env);
  try {
    const { last, deployments } = JSON.parse(await readFile(file, 'utf8')) as Partial<Deployments>;
    return { deployments: deployments ?? {}, ...(last !== undefined && { last }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { deployments: {} };
    throw new Error(`${file} cannot be read: delete it and log in again`, { cause: error });
  }
}

export async function writeDeployments(env: Env, deployments: Deployments): Promise<string> {
  const file = deploymentsFile(env);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${process.pid}`;
  try {
    await writeFile(unfinished, `${JSON.stringify(deployments, undefined, 2)}\n`, { mode: 0o600 });
    await chmod(unfinished, 0o600);
    await rename(unfinished, file);
  } finally {
    // Where the disk is full, part of a key would stay.
    await rm(unfinished, { force: true });
  }
  return file;
}
