import { Command, CommanderError, Help, InvalidArgumentError, Option } from 'commander';
import { ApiError } from './apiClient.ts';
import type { Context } from './context.ts';
import { exitCodes, UsageError, type ExitCode } from './exit.ts';
import packageJson from './package.json' with { type: 'json' };
import { failures } from '../shared/errors/errors.ts';
import { createOutput, widthOfStream, type Stream } from './terminal/output.ts';
import { wrap } from './terminal/text.ts';
import { connect } from './where/connect.ts';
import { findTarget, type WhereOptions } from './where/target.ts';

/** What a program runs in. */
export type Host = {
  /** How the program is called where it was installed, such as `npx rollcall`. */
  name: string;
  stdout: Stream;
  stderr: Stream;
  /** How the command ended that ran last. */
  exitCode: ExitCode;
};

export type AddCommand = (parent: Command, host: Host) => void;

/** The whole tree of commands. An error of the command line is thrown as a CommanderError. */
export function createProgram(host: Host, commands: readonly AddCommand[]): Command {
  const program = new Command('rollcall')
    .description('Says who is on a picture: brings folders of people in, asks, and shows what is going on.')
    .version(packageJson.version)
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureHelp({ formatItem: formatHelpItem })
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void host.stderr.write(text),
      getOutHelpWidth: () => widthOfStream(host.stdout, 80),
      getErrHelpWidth: () => widthOfStream(host.stderr, 80),
    })
    .addHelpText('after', '\nHelp with examples for each: rollcall help COMMAND');
  program.showHelpAfterError(`(rollcall --help shows what there is)`);
  for (const add of commands) add(program, host);
  return program;
}

/** What a description needs beside its command or option; in a narrower terminal it stands below. */
const leastDescription = 30;

function formatHelpItem(term: string, termWidth: number, description: string, help: Help): string {
  const width = help.helpWidth ?? 80;
  if (width - termWidth >= leastDescription)
    return new Help().formatItem.call(help, term, termWidth, description, help);
  return [`  ${term}`, ...wrap(`      ${description}`, width)].join('\n');
}

/** Runs a command line to its exit code. */
export async function run(
  host: Host,
  commands: readonly AddCommand[],
  args: readonly string[],
): Promise<ExitCode> {
  try {
    await createProgram(host, commands).parseAsync(args, { from: 'user' });
    return host.exitCode;
  } catch (error) {
    return report(host, error, args);
  }
}

/** Says what went wrong and what to do. */
function report(host: Host, error: unknown, args: readonly string[]): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if ((error as Error).name === 'AbortError') return exitCodes.stopped;
  const command = ['rollcall', ...args.filter((arg) => /^[a-z]+$/.test(arg)).slice(0, 1)].join(' ');
  createOutput(host).note(`${command}: ${toSentence(error)}`, 'red');
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

function toSentence(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { code } = error;
  return code !== undefined && Object.hasOwn(failures, code)
    ? `${error.message} ${failures[code as keyof typeof failures].remedy}`
    : error.message;
}

/** The lines of help that show how a command is called. */
export function examples({ name }: Host, lines: readonly (readonly [line: string, what: string])[]): string {
  return ['', 'Examples:', ...lines.flatMap(([line, what]) => [`  ${name} ${line}`, `      ${what}`])].join(
    '\n',
  );
}

/** Adds the options by which a command says which Rollcall is meant, and how its answer is printed. */
export function withWhere(command: Command): Command {
  const where: readonly (readonly [string, string])[] = [
    ['--data <dir>', 'a local stack, by its folder (default: .rollcall, where it is)'],
    ['--at <name>', 'a deployment that rollcall login remembers'],
    ['--url <url>', 'a deployment by its address (or ROLLCALL_URL)'],
    ['--key <key>', 'its key; others can read a command line, so better ROLLCALL_KEY or login'],
    ['--scope <scope>', 'sign in with Microsoft Entra, as az did (or ROLLCALL_SCOPE)'],
  ];
  command.option('--json', 'one object, or one for each line, for other programs');
  for (const [flags, what] of where) command.addOption(new Option(flags, what).helpGroup('Where:'));
  return command;
}

/** Makes the action of a command of what it does: gives it a context, and takes its exit code. */
export function acting<Args extends unknown[]>(
  host: Host,
  work: (context: Context, ...args: Args) => Promise<ExitCode | void>,
): (...args: [...Args, Command]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.opts<WhereOptions & { json?: boolean }>();
    const output = createOutput({ ...host, json: options.json === true });
    const context: Context = {
      output,
      program: host.name,
      async connect() {
        const target = await findTarget(options);
        if (target.dataDir === undefined && output.isWatched) output.note(`At ${target.name}`, 'dim');
        return connect(target);
      },
    };
    host.exitCode = (await work(context, ...(all.slice(0, -1) as unknown as Args))) ?? exitCodes.done;
  };
}

/** Reads an option that is a whole number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

/** Reads an option that is a confidence. */
export function confidence(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= 0 && number <= 1) return number;
  throw new InvalidArgumentError('It takes a number from 0 to 1.');
}
