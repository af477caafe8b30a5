import { messages, type RheaContext } from './amqp.ts';
import { findQueue, getAddress, isManagement, maxMessageSize, type Queues } from './attach.ts';
import { cbsReply, isValidToken } from './cbs.ts';
import type { Client } from './client.ts';
import { parseHead, parseTransfer } from './codec.ts';
import { settle, toRefusal } from './links.ts';
import { handleRequest, refuseTooLarge } from './management.ts';
import type { Queue } from './queue.ts';
import { refusals } from './serviceBusError.ts';

export type TransferOptions = { queues: Queues; key: string; now: () => number };

/** Handles what a client has sent to a queue, `$cbs` or a management node, and settles the transfer. */
export function receiveTransfer(context: RheaContext, client: Client, options: TransferOptions): void {
  const { receiver, delivery } = context;
  if (receiver === undefined || delivery === undefined) return;
  receiver.add_credit(1);
  try {
    const bytes = context.message as Buffer;
    const address = getAddress(receiver.target);
    if (address === '$cbs') authorize(bytes, client, options);
    else if (isManagement(address)) answer(bytes, client, requireQueue(options, address));
    else requireQueue(options, address).send(parseTransfer(requireSize(bytes), context.format ?? 0));
    settle(delivery);
  } catch (error) {
    settle(delivery, toRefusal(error));
  }
}

function requireQueue({ queues }: TransferOptions, address: string): Queue {
  const queue = findQueue(queues, address);
  if (queue === undefined) throw refusals.entityNotFound(address);
  return queue;
}

function requireSize(bytes: Buffer): Buffer {
  if (bytes.length > maxMessageSize) throw refusals.messageTooLarge(maxMessageSize);
  return bytes;
}

function authorize(bytes: Buffer, client: Client, { key, now }: TransferOptions): void {
  const request = messages.decode(requireSize(bytes));
  const isValid = isValidToken(request.body, key, now());
  if (isValid) client.authorize();
  client.reply(request.reply_to, cbsReply(request, isValid));
}

/** The client waits for the reply, not for the outcome of the transfer, also when its request is too large. */
function answer(bytes: Buffer, client: Client, queue: Queue): void {
  const isTooLarge = bytes.length > maxMessageSize;
  const request = isTooLarge ? parseHead(bytes) : messages.decode(bytes);
  const reply = isTooLarge ? refuseTooLarge(request, maxMessageSize) : handleRequest(queue, request);
  client.reply(request.reply_to, reply);
}
