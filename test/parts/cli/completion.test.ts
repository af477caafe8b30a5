import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { clientCommands } from '../../../cli/commands/clientCommands.ts';
import { formatCompletion } from '../../../cli/completion.ts';
import { createProgram } from '../../../cli/program.ts';

const program = createProgram(
  { name: 'rollcall', stdout: process.stdout, stderr: process.stderr, exitCode: 0 },
  clientCommands,
);
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash offers for a line that ends where the cursor is. */
function offered(...words: string[]): string[] {
  const line = ['rollcall', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${formatCompletion(program, 'bash')}
COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _rollcall; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

test.skipIf(!has('bash'))('bash completes commands, options and their values', () => {
  expect(offered('ide')).toEqual(['identify']);
  expect(offered('en')).toEqual(['enroll']);
  expect(offered('import', '--m')).toEqual(['--mirror']);
  expect(offered('enroll', '--m')).toEqual(['--mirror']);
  expect(offered('group', 's')).toEqual(['set']);
  expect(offered('group', 'set', 'family', '--several-faces', 'l')).toEqual(['largest']);
  expect(offered('images', '--state', 'rej')).toEqual(['rejected']);
  expect(offered('completion', '')).toContain('--help');
});

test.each(['bash', 'zsh', 'fish'] as const)('every command stands in the completion for %s', (shell) => {
  const script = formatCompletion(program, shell);
  for (const command of program.commands) expect(script).toContain(command.name());
  expect(script).toContain('mirror');
  if (has(shell)) execFileSync(shell, ['-n', '-c', script]);
});
