import type { Connection } from './where/connect.ts';
import type { Output } from './terminal/output.ts';

/** What a command is given, beside its arguments and options. */
export type Context = {
  output: Output;
  /** How the program is called where it was installed, such as `npx rollcall`. */
  program: string;
  /** Finds the Rollcall that the options mean. @throws Error that says what to do where there is none */
  connect(): Promise<Connection>;
};
