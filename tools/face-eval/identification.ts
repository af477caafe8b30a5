import type { ComparedModel, LabelledFace } from './faces.ts';
import { percent, quantile, computeShare } from './statistics.ts';
import { cosine } from './verification.ts';

const falsePositives = 0.01;

/**
 * Reports open-set identification. The first image of each person with several images is enrolled, and the others are
 * probes; the persons with one image are strangers. TPIR is the share of probes whose person comes first, above the
 * threshold that 1 % of the strangers reach (FPIR).
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
  const identified = right.filter(({ best }) => best.likeness > threshold);
  return (
    `  open-set identification among ${gallery.length} persons of one image each: TPIR ` +
    `${percent(computeShare(identified.length, probes.length))} at FPIR 1 % (${strangers.length} strangers), ` +
    `rank 1 ${percent(computeShare(right.length, probes.length))}`
  );
}
