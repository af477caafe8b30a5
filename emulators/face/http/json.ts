/** Properties that the Face API has as fractions, wherever they stand: the real service writes 1.0, not 1. */
const fractions = new Set([
  ...['confidence', 'x', 'y', 'pitch', 'roll', 'yaw', 'value', 'age', 'smile'],
  ...['anger', 'contempt', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise'],
]);

/** An answer as text, its numbers written as the real service writes them. */
export function textOf(answer: unknown): string {
  return JSON.stringify(answer, (name, value: unknown) =>
    fractions.has(name) && Number.isInteger(value) ? rawJson(`${String(value)}.0`) : value,
  );
}

/** Not yet in TypeScript's library. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): object };
