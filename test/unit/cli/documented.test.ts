import type { Command } from 'commander';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clientCommands } from '../../../cli/commands/clientCommands.ts';
import { stackCommands } from '../../../cli/commands/stackCommands.ts';
import { createProgram } from '../../../cli/program.ts';

const host = { name: 'rollcall', stdout: process.stdout, stderr: process.stderr, exitCode: 0 } as const;
const program = createProgram(host, [...stackCommands, ...clientCommands]);
const guides = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);

/** The command that a line means, and the options that it gives to it. */
function parse(line: string): { command: Command; options: string[] } {
  const words = line.replace(/ +#.*$/, '').split(/[ \n]+/);
  let command = program;
  for (const word of words.slice(words.indexOf('rollcall') + 1)) {
    const next = command.commands.find((one) => [one.name(), ...one.aliases()].includes(word));
    if (next === undefined) break;
    command = next;
  }
  return {
    command,
    options: words.filter((word) => word.startsWith('--')).map((word) => word.replace(/[`'")].*$/, '')),
  };
}

test('every line of a guide that calls rollcall has a command and options that there are', () => {
  const lines = guides.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^(npx )?rollcall [a-z]/.test(line)),
  );
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) {
    const { command, options } = parse(line);
    expect(command, line).not.toBe(program);
    const known = command.options.map(({ long }) => long);
    for (const option of options) expect(known, line).toContain(option);
  }
});

test('the guide of the command line names every command, and every command has an example', () => {
  const guide = readFileSync('docs/cli.md', 'utf8');
  for (const command of program.commands) {
    expect(guide, command.name()).toMatch(new RegExp(`\`${command.name()}[ \`]`));
    expect(command.summary(), command.name()).not.toBe('');
  }
});
