import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRepeatFilter } from '../../../emulators/functions-host/repeats.ts';

let lines: string[];
let filter: ReturnType<typeof createRepeatFilter>;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  filter = createRepeatFilter((line) => lines.push(line));
});

afterEach(() => vi.useRealTimers());

const minute = 60_000;

test('a warning is said at once, and once a minute how often it came again', () => {
  for (let second = 0; second < 60; second += 2) {
    filter.warn(`persons: connect ECONNREFUSED 127.0.0.1:${5_000 + second}`);
    vi.advanceTimersByTime(2_000);
  }
  const line = 'persons: connect ECONNREFUSED 127.0.0.1:5000';
  expect(lines).toEqual([line, `${line} (repeated 29 times)`]);
  filter.warn(line);
  vi.advanceTimersByTime(minute);
  expect(lines.slice(2)).toEqual([`${line} (repeated 1 time)`]);
});

test('after a minute without it a warning is new again, and nothing is remembered', () => {
  filter.warn('gone');
  vi.advanceTimersByTime(minute);
  expect(vi.getTimerCount()).toBe(0);
  filter.warn('gone');
  expect(lines).toEqual(['gone', 'gone']);
});

test('different warnings are told apart, and what is left is said at the end', () => {
  for (const line of ['one', 'two', 'one', 'one']) filter.warn(line);
  expect(lines).toEqual(['one', 'two']);
  filter.close();
  expect(lines).toEqual(['one', 'two', 'one (repeated 2 times)']);
  expect(vi.getTimerCount()).toBe(0);
});

test('only so many warnings are remembered: the oldest makes room, with what it has to say', () => {
  const name = (index: number): string => 'x'.repeat(index + 1);
  filter.warn(name(0));
  filter.warn(name(0));
  for (let index = 1; index < 1_000; index += 1) filter.warn(name(index));
  expect(vi.getTimerCount()).toBe(100);
  expect(lines).toHaveLength(1_001);
  expect(lines).toContain(`${name(0)} (repeated 1 time)`);
});
