import type { ApiClient } from '../apiClient.ts';
import { createBars, type Bar } from '../terminal/bars.ts';
import type { Output } from '../terminal/output.ts';
import { loadPending } from './settle.ts';

const pollEveryMs = 1_000;

export type ImportBars = {
  /** One more file of `total` was compared. */
  compared(total: number): void;
  /** Follows an upload of `total` files, and beside it how many of them Rollcall is done with. */
  follow(call: ApiClient, group: string, total: number): { sent: () => void; end: () => void };
  /** Rollcall is done with `done` of `total`. */
  settled(total: number, done: number): void;
  end(): void;
};

/** The bars of an import: compared; then sent, and settled. */
export function createImportBars(output: Output): ImportBars {
  const draw = createBars(output);
  const bar = (title: string): Bar => ({ title, done: 0, total: 0, startedAt: performance.now() });
  const [comparing, sending, settling] = [bar('compared'), bar('sent'), bar('settled')];
  const settled = (total: number, done: number): void => {
    settling.total = total;
    settling.done = Math.min(total, Math.max(settling.done, done));
    draw([sending, settling]);
  };
  return {
    compared(total) {
      comparing.total = total;
      comparing.done += 1;
      draw([comparing]);
    },
    follow(call, group, total) {
      output.live([]);
      if (total === 0) return { sent: () => undefined, end: () => undefined };
      sending.total = settling.total = total;
      sending.startedAt = settling.startedAt = performance.now();
      let isPolling = false;
      const poll = async (): Promise<void> => {
        // A slow server is not asked again before it has answered.
        if (isPolling) return;
        isPolling = true;
        try {
          const state = await loadPending(call, group);
          // An image counts as pending from its event on, which comes a moment after it was sent.
          if (state !== undefined && state.pending > 0) settled(total, sending.done - state.pending);
        } catch {
          // The bar stays as it is: an upload reports that the server does not answer.
        } finally {
          isPolling = false;
        }
      };
      const timer = output.isWatched ? setInterval(() => void poll(), pollEveryMs) : undefined;
      return {
        sent() {
          sending.done += 1;
          draw([sending, settling]);
        },
        end: () => clearInterval(timer),
      };
    },
    settled,
    end: () => output.live([]),
  };
}
