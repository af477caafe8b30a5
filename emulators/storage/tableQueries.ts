import type { LokiChain, TableStore } from './azurite.ts';

/*
 * For each query, Azurite interprets the filter for every row of the table: an image of a group of ten thousand images
 * would cost a hundred times as much as an image of a group of a hundred. A query for a partition, or for a range of
 * row keys in a partition, reads here only the rows that Azurite's own indexes give; the filter still decides on each
 * row.
 */

type Range = { partition: string; from: string | undefined; before: string };

const text = "'((?:[^']|'')*)'";
const shape = new RegExp(`^PartitionKey eq ${text}(?: and RowKey ge ${text} and RowKey lt ${text})?$`);

export function useIndexes(store: TableStore): void {
  const query = store.queryTableEntities.bind(store);
  store.queryTableEntities = function (context, account, table, options, ...page) {
    const range = parseRange(options.filter);
    if (range === undefined) return query(context, account, table, options, ...page);
    const narrowed = Object.create(store, {
      getEntityCollection: {
        value: (...which: unknown[]) => {
          const collection = store.getEntityCollection(...which);
          return { chain: () => narrow(collection.chain(), range) };
        },
      },
    }) as TableStore;
    const { queryTableEntities } = Object.getPrototypeOf(store) as TableStore;
    return queryTableEntities.call(narrowed, context, account, table, options, ...page);
  };
}

/** Undefined for a query of another shape. */
function parseRange(filter: string | undefined): Range | undefined {
  const [all, partition = '', from, before = ''] = shape.exec(filter ?? '') ?? [];
  if (all === undefined) return undefined;
  const unescaped = (key: string): string => key.replaceAll("''", "'");
  return {
    partition: unescaped(partition),
    from: from === undefined ? undefined : unescaped(from),
    before: unescaped(before),
  };
}

function narrow(rows: LokiChain, { partition, from, before }: Range): LokiChain {
  const isRange = from !== undefined && ordersAsText(from, before);
  const inRange = isRange ? rows.find({ RowKey: { $between: [from, before] } }) : rows;
  return inRange.find({ PartitionKey: partition });
}

/** Loki's indexes order text that can be read as a number by its value, before all other text. */
function ordersAsText(from: string, before: string): boolean {
  return /^[A-Za-z]/.test(from) && !(from <= 'Infinity' && 'Infinity' <= before);
}
