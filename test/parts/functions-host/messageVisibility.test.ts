import type { QueueUpdateMessageResponse } from '@azure/storage-queue';
import { expect, it, vi } from 'vitest';
import { renewVisibility } from '../../../emulators/functions-host/messageVisibility.ts';

const visibilitySeconds = 0.02;

/** A queue that answers a renewal only when the test says so, and refuses every receipt but the latest. */
function slowQueue() {
  let valid = 'receipt 0';
  let renewals = 0;
  const answers: (() => void)[] = [];
  const errors: unknown[] = [];
  return {
    answers,
    errors,
    valid: () => valid,
    options: {
      visibilitySeconds,
      onError: (error: unknown) => errors.push(error),
      queue: {
        async updateMessage(_id: string, receipt: string): Promise<QueueUpdateMessageResponse> {
          if (receipt !== valid) throw new Error('PopReceiptMismatch');
          renewals += 1;
          valid = `receipt ${renewals}`;
          const popReceipt = valid;
          await new Promise<void>((resolve) => answers.push(resolve));
          return { popReceipt } as QueueUpdateMessageResponse;
        },
      },
    },
  };
}

const message = { messageId: 'id', popReceipt: 'receipt 0' };

it('gives the receipt of a renewal that was in flight at the end', async () => {
  const { options, answers, errors, valid } = slowQueue();
  const end = renewVisibility(message, options);
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  const ended = end();
  // Were the receipt given before the answer, the delete would be refused, and the message would be run again.
  const pending = Symbol('pending');
  expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 30, pending))])).toBe(
    pending,
  );
  answers[0]?.();
  expect(await ended).toBe(valid());
  expect(errors).toEqual([]);
});

it('sends no renewal before the answer of the one before', async () => {
  const { options, answers, errors, valid } = slowQueue();
  const end = renewVisibility(message, options);
  for (let renewal = 1; renewal <= 3; renewal += 1) {
    await vi.waitFor(() => expect(answers).toHaveLength(renewal));
    // Twice the interval of renewals.
    await new Promise((resolve) => setTimeout(resolve, visibilitySeconds * 1_000));
    expect(answers).toHaveLength(renewal);
    answers[renewal - 1]?.();
  }
  expect(await end()).toBe(valid());
  expect(errors).toEqual([]);
});

it('goes on with the last receipt after a renewal that failed', async () => {
  const { options, errors } = slowQueue();
  const receipts: string[] = [];
  const end = renewVisibility(message, {
    ...options,
    queue: {
      async updateMessage(_id, receipt) {
        receipts.push(receipt);
        throw new Error('no connection');
      },
    },
  });
  await vi.waitFor(() => expect(receipts.length).toBeGreaterThan(1));
  expect(await end()).toBe('receipt 0');
  expect(errors).toHaveLength(receipts.length);
  expect(new Set(receipts)).toEqual(new Set(['receipt 0']));
});

it('cuts a renewal that is not answered', async () => {
  const { options, errors } = slowQueue();
  const end = renewVisibility(message, {
    ...options,
    queue: {
      updateMessage: (_id, _receipt, _text, _seconds, { abortSignal } = {}) =>
        new Promise((_resolve, reject) => {
          abortSignal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    },
  });
  await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0));
  expect(await end()).toBe('receipt 0');
});
