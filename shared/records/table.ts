import { RestError, type TableClient } from '@azure/data-tables';
import { RollcallError } from '../errors/errors.ts';
import {
  isKey,
  parseEntity,
  parseEtagTime,
  toAction,
  toProperties,
  upsert,
  type Stored,
  type Write,
} from './entity.ts';
import { inParallel, readsAtOnce } from './parallel.ts';
import {
  filtered,
  startOf,
  take,
  takePage,
  toFilter,
  type Page,
  type PageQuery,
  type Range,
} from './ranges.ts';

/** A row before and after an update; `after` is undefined where the update was refused or there is no row. */
export type Updated<Value> = { before: Value | undefined; after: Value | undefined; changed: boolean };

/** The other writes of the transaction of an update; undefined refuses the update. */
export type AlsoWrites<Value> = (
  after: Value,
  before: Value | undefined,
) => Promise<readonly Write[] | undefined>;

/** Another writer changed a row of the transaction in between; the rows have to be read again. */
export class WriteConflict extends Error {
  override readonly name = 'WriteConflict';
}

export const createTable = (client: TableClient): Table => new Table(client);

/** A table of JSON values by partition key and row key. */
export class Table {
  readonly #client: TableClient;

  constructor(client: TableClient) {
    this.#client = client;
  }

  async get<Value>(partitionKey: string, rowKey: string): Promise<Stored<Value> | undefined> {
    // An invalid key cannot name a row, and the service would answer it with 400.
    if (!isKey(partitionKey) || !isKey(rowKey)) return undefined;
    try {
      return parseEntity(await this.#client.getEntity(partitionKey, rowKey));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** Rows of a partition whose row keys lie in [from, before), in ascending order. */
  async *range<Value>(partitionKey: string, from: string, before: string): AsyncGenerator<Stored<Value>> {
    const filter = toFilter({ partition: partitionKey, from, before });
    for await (const entity of this.#client.listEntities({ queryOptions: { filter } }))
      yield parseEntity(entity);
  }

  /** One page of the rows of a range that match, in ascending order. `next` is the row key of the last one. */
  async list<Value>(
    range: Range,
    page: PageQuery,
    matches: (row: Stored<Value>) => boolean = () => true,
  ): Promise<Page<Stored<Value>>> {
    const rows = this.range<Value>(range.partition, startOf(range, page), range.before);
    return takePage(filtered(rows, matches), page.top, ({ rowKey }) => rowKey);
  }

  /**
   * Reads one page of a range, in ascending order, and deletes the rows that match. `indexKey` names a second row that
   * is deleted in the same transaction. Resolves with the deleted values.
   * @throws WriteConflict when such a row was changed or deleted meanwhile
   */
  async deleteWhere<Value>(
    range: Range,
    page: PageQuery,
    matches: (row: Stored<Value>) => boolean | Promise<boolean>,
    indexKey?: (value: Value) => string,
  ): Promise<{ dropped: Value[]; next?: string }> {
    const rows = await take(this.range<Value>(range.partition, startOf(range, page), range.before), page.top);
    const matching = await inParallel(rows, readsAtOnce, async (row) => matches(row));
    const matched = rows.filter((_row, index) => matching[index]);
    await this.writeAll(
      range.partition,
      matched.flatMap(({ rowKey, etag, value }): Write[] => [
        { kind: 'remove', rowKey, etag },
        ...(indexKey === undefined ? [] : [{ kind: 'remove' as const, rowKey: indexKey(value) }]),
      ]),
    );
    const last = rows.length < page.top ? undefined : rows.at(-1)?.rowKey;
    return { dropped: matched.map(({ value }) => value), ...(last !== undefined && { next: last }) };
  }

  /**
   * Changes one row, and repeats the change when another writer was faster. `transition` is pure: it returns the value
   * it was given where nothing is to change, and undefined to refuse. Each attempt calls it and `alsoWrites`.
   * @throws RollcallError `conflict` after 30 attempts
   */
  async update<Value>(
    partitionKey: string,
    rowKey: string,
    transition: (value: Value | undefined) => Value | undefined,
    alsoWrites: AlsoWrites<Value> = async () => [],
  ): Promise<Updated<Value>> {
    return retryOnConflict(async () => {
      const row = await this.get<Value>(partitionKey, rowKey);
      const before = row?.value;
      const after = transition(before);
      if (after === undefined || after === before) return { before, after, changed: false };
      const more = await alsoWrites(after, before);
      if (more === undefined) return { before, after: undefined, changed: false };
      await this.write(partitionKey, [upsert(rowKey, row, after), ...more]);
      return { before, after, changed: true };
    });
  }

  /** Deletes one row if it is there and matches, and repeats the deletion when another writer was faster. */
  async remove<Value>(
    partitionKey: string,
    rowKey: string,
    matches: (value: Value) => boolean = () => true,
  ): Promise<void> {
    await retryOnConflict(async () => {
      const row = await this.get<Value>(partitionKey, rowKey);
      if (row === undefined || !matches(row.value)) return;
      await this.write(partitionKey, [{ kind: 'remove', rowKey, etag: row.etag }]);
    });
  }

  /**
   * Writes one row if it has not changed since `etag` (undefined: if it does not exist). Resolves with the new ETag
   * and the time of the write by the service's clock, which the ETag contains.
   * @throws WriteConflict when another writer was faster
   */
  async replace(
    partitionKey: string,
    rowKey: string,
    value: unknown,
    etag: string | undefined,
  ): Promise<{ etag: string; writtenAt: number | undefined }> {
    const entity = { partitionKey, rowKey, ...toProperties(value) };
    const written = await withConflicts(
      etag === undefined
        ? this.#client.createEntity(entity)
        : this.#client.updateEntity(entity, 'Replace', { etag }),
    );
    if (written.etag === undefined) throw new RollcallError('internal', 'The table gave no ETag.');
    return { etag: written.etag, writtenAt: parseEtagTime(written.etag) };
  }

  /**
   * Applies all writes or none, within one partition; at most 100 writes.
   * @throws WriteConflict when an inserted row exists, or a replaced or removed one has changed
   */
  async write(partitionKey: string, writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return;
    await withConflicts(this.#client.submitTransaction(writes.map((write) => toAction(partitionKey, write))));
  }

  /** Applies writes in transactions of 100, so that two adjacent writes of a list of pairs are in the same one. */
  async writeAll(partitionKey: string, writes: readonly Write[]): Promise<void> {
    for (let start = 0; start < writes.length; start += 100)
      await this.write(partitionKey, writes.slice(start, start + 100));
  }
}

/** Repeats an optimistic change on write conflicts, at most 30 attempts. @throws RollcallError conflict after these */
export async function retryOnConflict<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      if (tries === 30) throw new RollcallError('conflict', undefined, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(5 * tries, 100)));
    }
  }
}

/** Tells conflicts from other errors of the service. */
async function withConflicts<Result>(written: Promise<Result>): Promise<Result> {
  try {
    return await written;
  } catch (error) {
    const isConflict = [404, 409, 412].includes(statusOf(error) ?? 0);
    throw isConflict ? new WriteConflict('', { cause: error }) : error;
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}
