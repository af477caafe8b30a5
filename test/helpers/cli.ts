import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { exitCodes } from '../../cli/exit.ts';
import { run, type AddCommand } from '../../cli/program.ts';
import { eventually } from './eventually.ts';

/** A machine that does much else takes long to start a stack. */
const patienceMs = 240_000;

/** The `rollcall` command as a process of its own, which need not outlive the test, and what it prints. */
export function startCli(args: string[], { endsWithTest = true } = {}) {
  const child = spawn(process.execPath, ['cli/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (endsWithTest) onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let more = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      more.resolve();
      more = Promise.withResolvers();
    });
  }
  return {
    child,
    output: (): string[] => [...lines],
    /** Resolves with the next line, whatever it is. */
    saysMore: (): Promise<void> => more.promise,
    /** Resolves once a line holds the text. @throws Error with what was printed when the process ends before that */
    async says(text: string): Promise<void> {
      const isSaid = (): boolean => lines.some((line) => line.includes(text));
      await eventually(`it says "${text}"`, () => isSaid() || child.exitCode !== null, patienceMs);
      if (!isSaid()) throw new Error(`it ended without "${text}": ${lines.join('\n')}`);
    },
    /** Its exit code, or the signal that ended it; all that it printed is there by then. */
    ended: once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal),
  };
}

/** Runs a command to its end. */
export async function runCli(args: string[]): Promise<{ code: unknown; output: string }> {
  const command = startCli(args);
  const code = await command.ended;
  return { code, output: command.output().join('\n') };
}

/** Runs a command to its end in this process, which saves the start of another. */
export async function runHere(
  commands: readonly AddCommand[],
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const chunks: string[] = [];
  const stream = () => new Writable({ write: (chunk, _, done) => done(void chunks.push(String(chunk))) });
  const host = { name: 'rollcall', stdout: stream(), stderr: stream(), exitCode: exitCodes.done };
  const code = await run(host, commands, args);
  return { code, output: chunks.join('').trimEnd() };
}
