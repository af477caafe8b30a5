import type { TrainingTime } from '../emulators/face/training/trainingTime.ts';

/** `--port`. @throws Error that says what was expected */
export function readPort(text: string): number {
  const port = Number(text);
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--port takes a port number, or 0 for any free one, not "${text}"`);
}

/** `--training-time`. @throws Error that says what was expected */
export function readTrainingTime(text: string): TrainingTime {
  if (text === 'none' || text === 'published') return text;
  const seconds = Number(text);
  if (seconds >= 0 && seconds <= 86_400 && text !== '') return seconds;
  throw new Error(`--training-time takes "none", "published" or seconds up to a day, not "${text}"`);
}

/** `--allow-host`. @throws Error that says what was expected */
export function readHostName(text: string): string {
  if (/^[a-z0-9.-]+$|^\[[0-9a-f:.]+\]$/i.test(text)) return text;
  throw new Error(`--allow-host takes a host name without a port, not "${text}"`);
}
