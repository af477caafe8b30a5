import { run, type AddCommand } from './program.ts';
import { exitCodes } from './exit.ts';

/** Runs the command line of this process. */
export async function runProcess(name: string, commands: readonly AddCommand[]): Promise<void> {
  // `rollcall images | head` ends when head does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done);
    throw error;
  });
  const { stdout, stderr } = process;
  const host = { name, stdout, stderr, exitCode: exitCodes.done };
  process.exitCode = await run(host, commands, process.argv.slice(2));
}
