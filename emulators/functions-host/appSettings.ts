/** @throws Error when the connection setting is missing */
export function readConnection(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`the connection setting ${name} is missing`);
  return value;
}

/** Replaces each `%NAME%` by the setting of that name. */
export function replaceSettings(text: string): string {
  return text.replaceAll(/%(\w+)%/g, (_all, name: string) => readConnection(name));
}
