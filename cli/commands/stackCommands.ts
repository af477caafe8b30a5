import { InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { readHostName, readPort, readTrainingTime } from '../options.ts';
import { acting, examples, wholeNumber, type AddCommand } from '../program.ts';

/** Makes a reader of commander's of one that throws any error. */
function argument<Value>(read: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

const allowHost = new Option('--allow-host <name>', 'a host name by which it is called; may be repeated')
  .argParser((text: string, earlier: string[]) => [...earlier, argument(readHostName)(text)])
  .default([], 'this machine only');
const trainingTime = new Option(
  '--training-time <time>',
  'how long trainings take: none, published, or seconds',
)
  .argParser(argument(readTrainingTime))
  .default('none');

/** Calls a second, or `none`. @throws InvalidArgumentError */
function callRate(text: string): number | 'none' {
  return text === 'none' ? 'none' : wholeNumber(1, 100_000)(text);
}

const addStart: AddCommand = (parent, host) =>
  void parent
    .command('start')
    .summary('start the local stack, and stay')
    .addOption(
      new Option('--port <port>', 'of the HTTP API; 0: any that is free')
        .argParser(argument(readPort))
        .default(7071),
    )
    .option('--data <dir>', 'where everything is kept', '.rollcall')
    .addOption(
      new Option('--face-tps <calls>', 'calls to Face a second, or none').argParser(callRate).default(10),
    )
    .addOption(trainingTime)
    .option('--auth', 'ask for a key on every route, as in Azure', false)
    .addOption(
      new Option('--instances <number>', 'Functions hosts that share the work')
        .argParser(wholeNumber(1, 16))
        .default(1),
    )
    .addOption(allowHost)
    .addHelpText(
      'after',
      examples(host, [
        ['start', 'on port 7071, with its data in .rollcall'],
        ['start --instances 4', 'as Azure scales out'],
      ]),
    )
    .action(
      acting(host, async (_context, options: object) =>
        (await import('../start.ts')).start(options as never),
      ),
    );

const addFace: AddCommand = (parent, host) =>
  void parent
    .command('face')
    .summary("start the Face service alone, for any client of Azure's Face")
    .addOption(new Option('--port <port>', '0: any that is free').argParser(argument(readPort)).default(7072))
    .option('--data <dir>', 'where everything is kept', '.rollcall-face')
    .addOption(
      new Option('--tps <calls>', 'calls a second, none, or F0: the free plan')
        .argParser((text: string) => (text === 'F0' ? text : callRate(text)))
        .default(10),
    )
    .option('--tls', 'over TLS, with a certificate of its own', false)
    .option(
      '--url-map <prefix=folder>',
      'read pictures whose URL begins so from a folder; may be repeated',
      (text: string, earlier: string[]) => [...earlier, text],
      [],
    )
    .addOption(trainingTime)
    .option('--attributes-retired', 'refuse the attributes that Face has retired', false)
    .addOption(allowHost)
    .addHelpText(
      'after',
      examples(host, [
        ['face', 'on port 7072'],
        ['face --tps F0', 'with the limits of the free plan'],
      ]),
    )
    .action(
      acting(host, async (_context, options: object) => (await import('../face.ts')).face(options as never)),
    );

const addDemo: AddCommand = (parent, host) =>
  void parent
    .command('demo')
    .summary('enroll sample people, identify them, and show a table')
    .addOption(
      new Option('--face-tps <calls>', 'calls to Face a second, or none').argParser(callRate).default(10),
    )
    .option('--output <dir>', 'where pictures with names go', 'demo-output')
    .addHelpText('after', examples(host, [['demo', 'on a stack of its own, which ends with it']]))
    .action(
      acting(host, async (context: Context, options: object) =>
        (await import('../demo.ts')).demo(context, options as never),
      ),
    );

/** What the checkout has beside the client: the stack, its Face service, and the demonstration on them. */
export const stackCommands: readonly AddCommand[] = [addStart, addFace, addDemo];
