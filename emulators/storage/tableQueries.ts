import type { LokiChain, TableStore } from './azurite.ts';

/*
 * For each query Azurite reads every row of the table, and each through an interpreter of the filter: a picture of a
 * group of ten thousand would cost a hundred times one of a hundred. Queries that name a partition, and a range of row
 * keys, look only at what Azurite's own indexes give for them; its filter still decides.
 */

type Range = { partition: string; from: string | undefined; before: string };

const text = "'((?:[^']|'')*)'";
const shape = new RegExp(`^PartitionKey eq ${text}(?: and RowKey ge ${text} and RowKey lt ${text})?$`);

export function useIndexes(store: TableStore): void {
  const query = store.queryTableEntities.bind(store);
  store.queryTableEntities = function (context, account, table, options, ...page) {
    const range = rangeOf(options.filter);
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

/** undefined: a query of another shape. */
function rangeOf(filter: string | undefined): Range | undefined {
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

/** Loki's indexes order what reads as a number by its value, before all text: a range must have none of these. */
function ordersAsText(from: string, before: string): boolean {
  return /^[A-Za-z]/.test(from) && !(from <= 'Infinity' && 'Infinity' <= before);
}
