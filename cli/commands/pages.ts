/** Every item of a list, page by page. */
export async function* everyPage<Item>(
  load: (after: string | undefined) => Promise<{ items: Item[]; next?: string | undefined }>,
): AsyncGenerator<Item[]> {
  let after: string | undefined;
  do {
    const { items, next } = await load(after);
    if (items.length > 0) yield items;
    after = next;
  } while (after !== undefined);
}

export async function everyItem<Item>(
  load: (after: string | undefined) => Promise<{ items: Item[]; next?: string | undefined }>,
): Promise<Item[]> {
  const all: Item[] = [];
  for await (const items of everyPage(load)) all.push(...items);
  return all;
}
