#!/usr/bin/env node
import { demo } from './demo.ts';
import { face } from './face.ts';
import { enroll, identify, redrive, status } from './client.ts';
import { start } from './start.ts';

type Command = { run: (args: string[]) => Promise<void>; usage: string };

const commands: Record<string, Command> = {
  start: {
    run: start,
    usage:
      'start [--port 7071] [--data .rollcall] [--face-tps 10|none] [--instances 1] [--training-time none|published] [--auth]',
  },
  face: {
    run: face,
    usage:
      'face [--port 7072] [--data .rollcall-face] [--tps 10|none|F0] [--tls] [--url-map PREFIX=FOLDER] [--training-time none|published] [--attributes-retired]',
  },
  demo: { run: demo, usage: 'demo' },
  enroll: { run: enroll, usage: 'enroll FOLDER --group GROUP [--data .rollcall]' },
  identify: { run: identify, usage: 'identify FILE --group GROUP [--data .rollcall]' },
  status: { run: status, usage: 'status [--data .rollcall]' },
  redrive: { run: redrive, usage: 'redrive [--data .rollcall]' },
};

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  const lines = Object.values(commands).map(({ usage }) => `  rollcall ${usage}`);
  console.error(['Usage:', ...lines].join('\n'));
  process.exitCode = 2;
} else {
  try {
    await command.run(args);
  } catch (error) {
    console.error(`rollcall ${name}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
