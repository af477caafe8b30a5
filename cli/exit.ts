/** How a command ends. */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3, stopped: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command line asks for what cannot be; the message says what can. */
export class UsageError extends Error {
  override name = 'UsageError';
}
