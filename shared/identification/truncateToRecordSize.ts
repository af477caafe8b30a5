import { longestResult } from '../records/results.ts';

/**
 * Returns the answer with the largest `kept` (up to `most`, the best candidates or matches of each face) that fits a
 * result row. Otherwise an answer that is too long to record would be lost after its calls to Face were paid.
 */
export function truncateToRecordSize<Answer>(
  toAnswer: (kept: number) => Answer,
  most: number,
  longest = longestResult,
): Answer {
  const fits = (kept: number): boolean => JSON.stringify(toAnswer(kept)).length <= longest;
  if (fits(most)) return toAnswer(most);
  let [good, bad] = [0, most];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return toAnswer(good);
}
