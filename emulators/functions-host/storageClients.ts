import { createRequire } from 'node:module';
import type * as Blobs from '@azure/storage-blob';
import type * as Queues from '@azure/storage-queue';

/*
 * The client of Service Bus is CommonJS only, and brings the CommonJS form of what Azure's libraries share. In the same
 * form the clients of Storage load it no second time, which takes a quarter of a second.
 */

const require = createRequire(import.meta.url);

export const { BlobServiceClient, RestError } = require('@azure/storage-blob') as typeof Blobs;
export const { QueueServiceClient } = require('@azure/storage-queue') as typeof Queues;
