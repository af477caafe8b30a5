import { Argument, Option, type Command } from 'commander';
import { imageStates } from '../../shared/records/image.ts';
import { acting, confidence, examples, wholeNumber, withWhere, type AddCommand } from '../program.ts';

/* Each command loads what it needs when it runs: the start of one does not wait for the libraries of the others. */

const group = new Option('--group <group>', 'the group').makeOptionMandatory();

const addImport: AddCommand = (parent, host) =>
  void withWhere(parent.command('import').alias('enroll'))
    .summary('bring a folder of people into a group')
    .description(
      'Brings a folder of PERSON/*.jpg into a group. What is there already is not sent again. Exit code 3: some pictures were refused.',
    )
    .argument('<folder>', 'holds a folder for each person')
    .addOption(group)
    .option('--wait', 'wait until everything is enrolled or refused, and the group is trained')
    .option('--dry-run', 'say what would be done')
    .option('--mirror', 'also delete from the group what the folder does not have')
    .option('--watch', 'stay, and send what is added or changed')
    .option('--yes', 'delete without asking')
    .addHelpText(
      'after',
      examples(host, [
        ['import ~/people --group family', 'sends what is new in the folders of ~/people'],
        ['import ~/people --group family --wait', 'and says what was refused, and why'],
        ['import ~/people --group family --mirror --dry-run', 'says what would be sent and deleted'],
      ]),
    )
    .action(
      acting(host, async (context, folder: string, options: object) =>
        (await import('../import/importFolder.ts')).importFolder(context, folder, options as never),
      ),
    );

const addIdentify: AddCommand = (parent, host) =>
  void withWhere(parent.command('identify'))
    .summary('say who is on pictures')
    .description('Says who is on pictures. They are sent and not stored.')
    .argument('<file...>', 'pictures')
    .addOption(group)
    .addOption(
      new Option('--candidates <number>', 'how many people for each face').argParser(wholeNumber(1, 100)),
    )
    .addOption(
      new Option('--threshold <confidence>', 'the least confidence, from 0 to 1').argParser(confidence),
    )
    .option('--annotate <dir>', 'write the pictures with names on them there, and an index.html')
    .addHelpText(
      'after',
      examples(host, [
        ['identify party.jpg --group family', 'who is on it, how sure that is, and where'],
        ['identify *.jpg --group family --annotate named', 'writes named/index.html, which shows them all'],
      ]),
    )
    .action(
      acting(host, async (context, files: string[], options: object) =>
        (await import('./identify.ts')).identify(context, files, options as never),
      ),
    );

const addStatus: AddCommand = (parent, host) =>
  void withWhere(parent.command('status'))
    .summary('what is going on, group by group')
    .argument('[group]', 'only this group, with what was refused and why')
    .option('--watch', 'stay, and show it anew')
    .addHelpText(
      'after',
      examples(host, [
        ['status', 'all groups: people, pictures, what waits, what was refused'],
        ['status family --watch', 'one group, and how long what waits will take'],
      ]),
    )
    .action(
      acting(host, async (context, name: string | undefined, options: { watch?: boolean }) =>
        (await import('./status.ts')).status(context, name, options),
      ),
    );

const addImages: AddCommand = (parent, host) =>
  void withWhere(parent.command('images'))
    .summary('list pictures, their state and why one was refused')
    .option('--group <group>', 'only this group')
    .addOption(new Option('--state <state>', 'only this state').choices(imageStates))
    .option('--person <person>', 'only this person; needs --group')
    .addHelpText(
      'after',
      examples(host, [
        ['images --group family --state rejected', 'what was refused, and why'],
        ['images --group family --json', 'each picture as a line of JSON'],
      ]),
    )
    .action(
      acting(host, async (context, options: object) =>
        (await import('./lists.ts')).listImages(context, options as never),
      ),
    );

const addPeople: AddCommand = (parent, host) =>
  void withWhere(parent.command('people'))
    .summary('list the people of a group')
    .addOption(group)
    .addHelpText(
      'after',
      examples(host, [['people --group family', 'everybody, and how many pictures of each']]),
    )
    .action(
      acting(host, async (context, options: { group: string }) =>
        (await import('./lists.ts')).listPeople(context, options),
      ),
    );

const addShow: AddCommand = (parent, host) =>
  void withWhere(parent.command('show'))
    .summary('show a person: pictures, and where the person was found')
    .argument('<person>', 'the name of the folder')
    .addOption(group)
    .addHelpText(
      'after',
      examples(host, [['show dad --group family', 'his pictures, and where he was found']]),
    )
    .action(
      acting(host, async (context, person: string, options: { group: string }) =>
        (await import('./lists.ts')).showPerson(context, person, options),
      ),
    );

const addResults: AddCommand = (parent, host) =>
  void withWhere(parent.command('results'))
    .summary('list what was answered, newest first')
    .addOption(group)
    .addOption(new Option('--kind <kind>', 'only this kind').choices(['identify', 'find-similar', 'verify']))
    .option('--person <person>', 'only where this person was found')
    .option('--since <time>', 'only from this time on, such as 2026-11-27T08:00:00Z')
    .option('--until <time>', 'only up to this time')
    .addOption(new Option('--top <number>', 'how many at most').argParser(wholeNumber(1, 1_000_000)))
    .option('--csv', 'a line of comma-separated values for each face')
    .addHelpText(
      'after',
      examples(host, [
        ['results --group family --person dad', 'where he was found'],
        ['results --group family --csv > results.csv', 'for a spreadsheet'],
      ]),
    )
    .action(
      acting(host, async (context, options: object) =>
        (await import('./results.ts')).listResults(context, options as never),
      ),
    );

const addDelete: AddCommand = (parent, host) =>
  void withWhere(parent.command('delete'))
    .summary('delete a picture, a person or a group, and prove it')
    .description(
      'Deletes a person with everything of them, one picture, or a whole group, and waits for the proof.',
    )
    .argument('[person]', 'the person; without one, the whole group')
    .addOption(group)
    .option('--image <image>', 'only this picture of the person')
    .option('--probes', 'also the pictures to identify on which the person was found')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples(host, [
        ['delete dad --group family', 'the person, and everything of him'],
        ['delete dad --group family --image 1.jpg', 'one picture of him'],
        ['delete --group family', 'the whole group'],
      ]),
    )
    .action(
      acting(host, async (context, person: string | undefined, options: object) =>
        (await import('./deletion.ts')).deleteData(context, person, options as never),
      ),
    );

const addGroup: AddCommand = (parent, host) => {
  const command = parent.command('group').summary('settings of a group');
  withWhere(command.command('set'))
    .summary('create a group, or change its settings')
    .argument('<group>', 'the group')
    .addOption(
      new Option('--model <model>', 'recognition model of a new group').choices(
        [1, 2, 3, 4].map((n) => `recognition_0${n}`),
      ),
    )
    .addOption(
      new Option('--threshold <confidence>', 'the least confidence of a candidate').argParser(confidence),
    )
    .addOption(
      new Option('--min-quality <quality>', 'what a face needs to be enrolled').choices([
        'high',
        'medium',
        'low',
        'none',
      ]),
    )
    .addOption(
      new Option('--several-faces <policy>', 'what is done with several faces').choices([
        'reject',
        'dominant',
        'largest',
      ]),
    )
    .addHelpText(
      'after',
      examples(host, [
        ['group set family --min-quality medium', 'admits more; what it refused is looked at again'],
      ]),
    )
    .action(
      acting(host, async (context, name: string, options: object) =>
        (await import('./group.ts')).setGroup(context, name, options as never),
      ),
    );
};

const addRedrive: AddCommand = (parent, host) =>
  void withWhere(parent.command('redrive'))
    .summary('send what failed round again')
    .option('--reason <code>', 'only what failed, or was refused, for this')
    .addHelpText(
      'after',
      examples(host, [
        ['redrive', 'what failed, once its cause is gone'],
        ['redrive --reason low_quality', 'what was refused for it, after a change of the settings'],
      ]),
    )
    .action(
      acting(host, async (context, options: { reason?: string }) =>
        (await import('./redrive.ts')).redrive(context, options),
      ),
    );

const addDoctor: AddCommand = (parent, host) =>
  void withWhere(parent.command('doctor'))
    .summary('look for what is wrong, and say what helps')
    .addHelpText(
      'after',
      examples(host, [
        ['doctor', 'this machine and the local stack'],
        ['doctor --at work', 'a deployment: whether its parts answer, and what you may do'],
      ]),
    )
    .action(
      acting(host, async (context, options: object) =>
        (await import('./doctor.ts')).doctor(context, options),
      ),
    );

const addLogin: AddCommand = (parent, host) => {
  parent
    .command('login')
    .summary('remember a deployment, and its key')
    .description('Remembers a deployment by name. The key is asked for, or read from the standard input.')
    .argument('<name>', 'what it is called from now on')
    .requiredOption('--url <url>', 'its address')
    .option('--scope <scope>', 'sign in with Microsoft Entra instead of a key: api://CLIENT_ID/.default')
    .option('--storage-url <url>', 'send pictures straight to this storage account, as the sign-in')
    .option('--json', 'one object, for other programs')
    .addHelpText(
      'after',
      examples(host, [
        ['login work --url https://work.azurewebsites.net', 'asks for the key'],
        ['login work --url https://work.azurewebsites.net < key.txt', 'reads the key from a file'],
        [
          'login work --url https://work.azurewebsites.net --scope api://CLIENT_ID/.default',
          'signs in as az did',
        ],
      ]),
    )
    .action(
      acting(host, async (context, name: string, options: object) =>
        (await import('./login.ts')).login(context, name, options as never),
      ),
    );
  parent
    .command('logout')
    .summary('forget a deployment, and its key')
    .argument('<name>', 'the deployment')
    .action(
      acting(host, async (context, name: string) => (await import('./login.ts')).logout(context, name)),
    );
};

const addCompletion: AddCommand = (parent, host) =>
  void parent
    .command('completion')
    .summary('print the completion for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  source <(rollcall completion bash)',
        '      in ~/.bashrc',
        '  rollcall completion zsh > ~/.zfunc/_rollcall',
        '      where fpath has ~/.zfunc',
        '  rollcall completion fish > ~/.config/fish/completions/rollcall.fish',
      ].join('\n'),
    )
    .action(
      acting(host, async ({ output }, shell: 'bash' | 'zsh' | 'fish') => {
        const { formatCompletion } = await import('../completion.ts');
        output.stdout.write(formatCompletion(root(parent), shell));
      }),
    );

function root(command: Command): Command {
  return command.parent === null ? command : root(command.parent);
}

/** What works for a local stack and for a deployment, wherever it is installed. */
export const clientCommands: readonly AddCommand[] = [
  addImport,
  addIdentify,
  addStatus,
  addImages,
  addPeople,
  addShow,
  addResults,
  addDelete,
  addGroup,
  addRedrive,
  addDoctor,
  addLogin,
  addCompletion,
];
