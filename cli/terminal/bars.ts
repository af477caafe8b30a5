import type { Output } from './output.ts';
import { pad, truncate } from './text.ts';

export type Bar = { title: string; done: number; total: number; startedAt: number };

const drawEveryMs = 100;
const longestBar = 30;

/** Draws bars below everything else, ten times a second at most and always when all are full. */
export function createBars(output: Output): (bars: readonly Bar[]) => void {
  let drawnAt = -Infinity;
  return (bars) => {
    const now = performance.now();
    const isDone = bars.every(({ done, total }) => done === total);
    if (!isDone && now - drawnAt < drawEveryMs) return;
    drawnAt = now;
    const width = (output.stderr.columns ?? 80) - 1;
    output.live(bars.map((bar) => formatBar(bar, width, now)));
  };
}

/** A bar with its count, its pace and the time that is left; a narrow one leaves out what is least needed. */
export function formatBar({ title, done, total, startedAt }: Bar, width: number, now: number): string {
  const seconds = (now - startedAt) / 1_000;
  const pace = done / Math.max(seconds, 0.001);
  const count = `${done.toLocaleString('en')}/${total.toLocaleString('en')}`;
  const left = done === 0 || done >= total ? '' : `${formatSeconds((total - done) / pace)} left`;
  const speed = done === 0 ? '' : `${pace < 10 ? pace.toFixed(1) : Math.round(pace)}/s`;
  const head = `${pad(title, 9)} `;
  for (const tail of [[count, speed, left], [count, left], [count]]) {
    const text = tail.filter((part) => part !== '').join('  ');
    const room = Math.min(longestBar, width - head.length - text.length - 1);
    if (room < 8) continue;
    const full = total === 0 ? room : Math.floor((done / total) * room);
    return `${head}${'█'.repeat(full)}${'░'.repeat(room - full)} ${text}`;
  }
  return truncate(`${head}${count}`, width);
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
}
