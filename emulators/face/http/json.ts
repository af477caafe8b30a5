/** Names of properties that are fractions at every level of an answer: Azure writes 1.0 for them, never 1. */
const fractions = new Set([
  ...['confidence', 'x', 'y', 'pitch', 'roll', 'yaw', 'value', 'age', 'smile'],
  ...['anger', 'contempt', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise'],
]);

/** Serializes an answer with its numbers in Azure's notation. */
export function toJson(answer: unknown): string {
  return JSON.stringify(answer, (name, value: unknown) =>
    fractions.has(name) && Number.isInteger(value) ? rawJson(`${String(value)}.0`) : value,
  );
}

/** TypeScript's library does not declare `JSON.rawJSON` yet. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): object };
