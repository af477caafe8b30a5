/** Persons that are kept beyond `top`, and faces that are kept per person. */
const sparePersons = 64;
const maxFacesPerPerson = 8;

export type Hit<Item> = { item: Item; score: number };

export type Shortlist<Item> = ReturnType<typeof createShortlist<Item>>;

/**
 * The best faces of the best persons by inexact scores. A person stays on the list while exact scores may place the
 * person among the `top` ones: while the score is less than `margin` below that of the last of them. The list is
 * bounded, whatever is offered.
 */
export function createShortlist<Item>({ top, margin }: { top: number; margin: number }) {
  const most = top + sparePersons;
  const persons = new Map<string, { best: number; hits: Hit<Item>[] }>();
  let floor = -Infinity;
  let offered = 0;

  function prune(): void {
    offered = 0;
    const scores = Float64Array.from(persons.values(), ({ best }) => -best).toSorted();
    const least = (rank: number): number => -(scores[rank - 1] ?? Infinity);
    floor = Math.max(floor, least(top) - margin, least(most));
    for (const [person, { best }] of persons) if (best < floor) persons.delete(person);
  }

  return {
    /** Scores up to this one need not be offered. */
    floor: (): number => floor,
    offer(person: string, item: Item, score: number): void {
      const known = persons.get(person);
      if (known === undefined) persons.set(person, { best: score, hits: [{ item, score }] });
      else {
        known.best = Math.max(known.best, score);
        known.hits.push({ item, score });
        if (known.hits.length > maxFacesPerPerson) dropWorst(known.hits);
      }
      offered += 1;
      if (offered >= 2 * most) prune();
    },
    hits(): Hit<Item>[] {
      prune();
      return [...persons.values()].flatMap(({ hits }) => hits.filter(({ score }) => score >= floor));
    },
  };
}

function dropWorst(hits: Hit<unknown>[]): void {
  let worst = 0;
  for (const [at, { score }] of hits.entries()) if (score < (hits[worst]?.score ?? 0)) worst = at;
  hits.splice(worst, 1);
}
