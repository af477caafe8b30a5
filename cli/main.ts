#!/usr/bin/env node
type Command = { run: (args: string[]) => Promise<void>; usage: string };

// Each loads what it needs only: the start of one does not wait for the libraries of the others.
const commands: Record<string, Command> = {
  start: {
    run: async (args) => (await import('./start.ts')).start(args),
    usage:
      'start [--port 7071] [--data .rollcall] [--face-tps 10|none] [--instances 1] [--training-time none|published] [--auth] [--allow-host NAME]',
  },
  face: {
    run: async (args) => (await import('./face.ts')).face(args),
    usage:
      'face [--port 7072] [--data .rollcall-face] [--tps 10|none|F0] [--tls] [--url-map PREFIX=FOLDER] [--training-time none|published] [--attributes-retired] [--allow-host NAME]',
  },
  demo: { run: async (args) => (await import('./demo.ts')).demo(args), usage: 'demo' },
  enroll: {
    run: async (args) => (await import('./client.ts')).enroll(args),
    usage: 'enroll FOLDER --group GROUP [--data .rollcall]',
  },
  identify: {
    run: async (args) => (await import('./client.ts')).identify(args),
    usage: 'identify FILE --group GROUP [--data .rollcall]',
  },
  status: {
    run: async (args) => (await import('./client.ts')).status(args),
    usage: 'status [--data .rollcall]',
  },
  redrive: {
    run: async (args) => (await import('./client.ts')).redrive(args),
    usage: 'redrive [--reason CODE] [--data .rollcall]',
  },
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
