import { clientCommands } from './commands/clientCommands.ts';
import { runProcess } from './runProcess.ts';

/* The command line of the package, which is installed without the stack and its models. */

await runProcess('rollcall', clientCommands);
