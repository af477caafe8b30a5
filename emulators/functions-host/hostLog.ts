import type { CoreLog, LogLevel } from './core.ts';

export type HostLog = {
  host(level: LogLevel, message: string): void;
  line(category: string, level: LogLevel, message: string): void;
  forFunction(name: string): CoreLog;
};

const levels: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/**
 * Writes log lines, filtered by `logging.logLevel` of host.json: of the categories that fit a line, the longest decides
 * on the line.
 */
export function createHostLog(logLevel: Record<string, string>, write: (line: string) => void): HostLog {
  const rank = (level: string) => levels.indexOf(level.toLowerCase() as LogLevel);
  const isOn = (category: string, level: LogLevel): boolean => {
    const fitting = Object.keys(logLevel)
      .filter((name) => category === name || category.startsWith(`${name}.`))
      .toSorted((a, b) => b.length - a.length);
    const least = logLevel[fitting[0] ?? 'default'] ?? logLevel['default'] ?? 'Information';
    return rank(level) >= rank(least);
  };
  const line = (category: string, level: LogLevel, message: string) => {
    if (isOn(category, level)) write(`${new Date().toISOString()} ${level} ${message}`);
  };
  return {
    line,
    host: (level, message) => line('Host.Executor', level, message),
    forFunction: (name) => (level, category, message) =>
      line(category === 'user' ? `Function.${name}.User` : `Function.${name}`, level, message),
  };
}
