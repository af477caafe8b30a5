/** Windows has no signal that a program can send to another and that one can answer: Ctrl-C comes from a console. */
export const hasSignals = process.platform !== 'win32';
