import { longestResult } from '../records/results.ts';

/**
 * The answer in which every face keeps its best `kept`, the largest number up to `most` with which it can be
 * recorded; without it, an answer for which Face was paid already would be lost.
 */
export function largestThatFits<Answer>(
  answerOf: (kept: number) => Answer,
  most: number,
  longest = longestResult,
): Answer {
  const fits = (kept: number): boolean => JSON.stringify(answerOf(kept)).length <= longest;
  if (fits(most)) return answerOf(most);
  let [good, bad] = [0, most];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return answerOf(good);
}
