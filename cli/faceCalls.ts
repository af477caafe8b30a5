export type FaceCalls = { byOperation: Record<string, number>; refused: number };

/** Calls to the Face service by operation, and how many of them it refused for their rate, as it counted them. */
export async function faceCalls(endpoint: string): Promise<FaceCalls> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  const byOperation: Record<string, number> = {};
  let refused = 0;
  for (const [, operation = '', status, value] of text.matchAll(
    /^face_requests_total\{operation="(\w+)",status="(\d+)"\} (\d+)$/gm,
  )) {
    byOperation[operation] = (byOperation[operation] ?? 0) + Number(value);
    if (status === '429') refused += Number(value);
  }
  return { byOperation, refused };
}
