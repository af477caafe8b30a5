import type { ComparedModel, LabelledFace } from './faces.ts';
import { percent, quantile, shareOf } from './statistics.ts';
import { cosine } from './verification.ts';

const falsePositives = 0.01;

/**
 * Who is this, if anybody we know? The first picture of each person who has several is enrolled; their other
 * pictures are asked about, and those of the persons with one picture only are strangers. TPIR: the right person
 * comes first, above a threshold that 1 % of the strangers reach (FPIR).
 */
export function reportIdentification(faces: readonly LabelledFace[], model: ComparedModel): string {
  const persons = [...Map.groupBy(faces, ({ person }) => person).values()];
  const several = persons.filter(({ length }) => length > 1);
  const gallery = several.flatMap(([first]) => first ?? []);
  const probes = several.flatMap(([, ...others]) => others);
  const strangers = persons.filter(({ length }) => length === 1).flat();
  if (strangers.length === 0 || gallery.length < 2) return '  open-set identification: too few persons';
  const nearest = (probe: LabelledFace) =>
    gallery
      .map(({ person, vectors }) => ({ person, likeness: cosine(vectors[model], probe.vectors[model]) }))
      .reduce((best, other) => (other.likeness > best.likeness ? other : best));
  const reachedByStrangers = Float32Array.from(strangers, (probe) => nearest(probe).likeness).toSorted();
  const threshold = quantile(reachedByStrangers, 1 - falsePositives);
  const answers = probes.map((probe) => ({ probe, best: nearest(probe) }));
  const right = answers.filter(({ probe, best }) => best.person === probe.person);
  const sure = right.filter(({ best }) => best.likeness > threshold);
  return (
    `  open-set identification among ${gallery.length} persons of one picture each: TPIR ` +
    `${percent(shareOf(sure.length, probes.length))} at FPIR 1 % (${strangers.length} strangers), ` +
    `rank 1 ${percent(shareOf(right.length, probes.length))}`
  );
}
