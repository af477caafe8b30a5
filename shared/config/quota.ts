const periods = { s: 1_000, min: 60_000, month: 30 * 86_400_000 } as const;

/** At most `calls` calls in any window of `windowMs` milliseconds. */
export type Rate = { calls: number; windowMs: number };

/** The rates that a plan allows; an empty list sets no limit. */
export type Quota = readonly Rate[];

/** Parses texts such as `10/s`, `20/min,30000/month` or `none`; undefined when the text has another form. */
export function parseQuota(text: string): Quota | undefined {
  if (text === 'none') return [];
  const rates = text.split(',').map((part) => {
    const match = /^([1-9]\d{0,8})\/(s|min|month)$/.exec(part.trim());
    if (match === null) return undefined;
    return { calls: Number(match[1]), windowMs: periods[match[2] as keyof typeof periods] };
  });
  return rates.every((rate) => rate !== undefined) ? rates : undefined;
}
