import { existsSync } from 'node:fs';
import { readdir, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { readFolderState } from '../../emulators/common/folderLock.ts';
import { ApiError } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import type { Connection } from '../where/connect.ts';
import { defaultDataDir, type WhereOptions } from '../where/target.ts';

/** What was looked at, what was found, and where something is wrong, what helps. */
type Finding = { what: string; found: string; remedy?: string };

const leastNode = [22, 19] as const;
const leastFreeBytes = 2_000_000_000;
const defaultPort = 7071;

/** Looks at this machine and at the Rollcall that is meant; exits with 1 when something is wrong. */
export async function doctor(context: Context, options: WhereOptions): Promise<ExitCode> {
  const { output } = context;
  const isRemote = [options.url, options.at, process.env['ROLLCALL_URL']].some(
    (given) => given !== undefined,
  );
  const findings = [checkNode(), ...(isRemote ? [] : await checkLocal(options.data ?? defaultDataDir))];
  try {
    findings.push(...(await checkService(await context.connect())));
  } catch (error) {
    findings.push({ what: 'Rollcall', found: 'cannot be asked', remedy: (error as Error).message });
  }
  for (const finding of findings) {
    const { what, found, remedy } = finding;
    output.item({ ...finding, ok: remedy === undefined });
    output.print(
      `${remedy === undefined ? '✔' : '✘'} ${what}: ${found}`,
      remedy === undefined ? 'green' : 'red',
    );
    if (remedy !== undefined) output.print(`    ${remedy}`);
  }
  return findings.some(({ remedy }) => remedy !== undefined) ? exitCodes.failed : exitCodes.done;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  const finding = { what: 'Node', found: process.versions.node };
  return isNew ? finding : { ...finding, remedy: `Install Node ${leastNode.join('.')} or later.` };
}

async function checkLocal(dataDir: string): Promise<Finding[]> {
  const isThere = existsSync(dataDir);
  const isHeld = isThere && readFolderState(dataDir) === 'held';
  const findings: Finding[] = [await checkDisk(isThere ? dataDir : '.')];
  if (!isHeld) findings.push(await checkPort(defaultPort));
  if (isThere && !isHeld) findings.push(await checkStaleFiles(dataDir));
  return findings;
}

async function checkDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const finding = {
    what: `Disk of ${resolve(folder)}`,
    found: `${((bavail * bsize) / 1e9).toFixed(1)} GB free`,
  };
  return bavail * bsize >= leastFreeBytes
    ? finding
    : { ...finding, remedy: 'Make room: a full disk stops the stack.' };
}

async function checkPort(port: number): Promise<Finding> {
  const isFree = await new Promise<boolean>((done) => {
    const server = createServer()
      .once('error', () => done(false))
      .listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
  const what = `Port ${port}`;
  return isFree
    ? { what, found: 'free' }
    : {
        what,
        found: 'used by another program',
        remedy: 'End that program, or start the stack with --port 0.',
      };
}

/** What a stack leaves that was killed; the next start takes it away. */
async function checkStaleFiles(dataDir: string): Promise<Finding> {
  const left = (await readdir(dataDir)).filter((name) => name === 'endpoints.json' || name.endsWith('.new'));
  const what = `Files of ${dataDir}`;
  return left.length === 0
    ? { what, found: 'in order' }
    : {
        what,
        found: `${left.join(', ')} of a stack that was killed`,
        remedy: 'Start the stack again: it goes on where it was.',
      };
}

async function checkService(connection: Connection): Promise<Finding[]> {
  const { target, call } = connection;
  const response = await fetch(`${target.url}/api/health`, { redirect: 'error' });
  const { parts = {} } = (await response.json()) as {
    parts?: Record<string, { status: string; detail?: string }>;
  };
  const health = Object.entries(parts).map(([part, { status, detail }]): Finding => {
    const finding = { what: `${target.name}, ${part}`, found: status };
    return status === 'ok'
      ? finding
      : {
          ...finding,
          remedy: `It does not answer (${detail ?? 'no reason'}): see docs/operations.md, and the logs.`,
        };
  });
  return [...health, ...(await checkRoles(call))];
}

/** Asks one question of each role that changes nothing; another failure than `not_allowed` means that one may ask. */
async function checkRoles(call: Connection['call']): Promise<Finding[]> {
  const questions = {
    'see groups': () => call('GET groups', { query: { top: 1 } }),
    identify: () => call('GET groups/{group}/results', { group: 'doctor', query: { top: 1 } }),
    enroll: () => call('GET images', { query: { top: 1 } }),
    administer: () => call('GET erasures/{id}', { id: 'doctor' }),
  };
  const roles = {
    'see groups': 'any',
    identify: 'Rollcall.Identify',
    enroll: 'Rollcall.Enroll',
    administer: 'Rollcall.Admin',
  };
  const findings: Finding[] = [];
  for (const [what, ask] of Object.entries(questions)) {
    const status = await ask().then(
      () => 200,
      (error: unknown) => {
        if (error instanceof ApiError) return error.status;
        throw error;
      },
    );
    const what2 = `You may ${what}`;
    if (status === 403)
      findings.push({
        what: what2,
        found: 'no',
        remedy: `Have the app role ${roles[what as keyof typeof roles]} assigned.`,
      });
    else if (status >= 500)
      findings.push({ what: what2, found: `not known (HTTP ${status})`, remedy: 'See what is wrong above.' });
    else findings.push({ what: what2, found: 'yes' });
  }
  return findings;
}
