#!/usr/bin/env node
import { clientCommands } from './commands/clientCommands.ts';
import { stackCommands } from './commands/stackCommands.ts';
import { runProcess } from './runProcess.ts';

/* The command line of the checkout, which also has the stack. */

await runProcess('npx rollcall', [...stackCommands, ...clientCommands]);
