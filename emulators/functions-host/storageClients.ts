import { createRequire } from 'node:module';
import type * as Blobs from '@azure/storage-blob';
import type * as Queues from '@azure/storage-queue';

/*
 * The client of Service Bus is CommonJS only, and loads the CommonJS form of the libraries that all clients of Azure
 * share. As CommonJS the clients of Storage use the loaded form; loading the other form takes a quarter of a second.
 */

const require = createRequire(import.meta.url);

export const { BlobServiceClient, RestError } = require('@azure/storage-blob') as typeof Blobs;
export const { QueueServiceClient } = require('@azure/storage-queue') as typeof Queues;
