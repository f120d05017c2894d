// How good a list of found things is, from 0 to 1.

/** Of the list, as many as a person looks at. */
const DEPTH = 10;

export type Quality = { readonly recall: number; readonly ndcg: number };

/** recall@10: how much of what answers is there. nDCG@10: that, and how near the top. */
export function quality(found: readonly string[], answers: readonly string[]): Quality {
  const hits = found.slice(0, DEPTH).flatMap((key, index) => (answers.includes(key) ? [gain(index)] : []));
  const best = answers.slice(0, DEPTH).map((_, index) => gain(index));
  return { recall: hits.length / best.length, ndcg: sum(hits) / sum(best) };
}

export const mean = (qualities: readonly Quality[]): Quality => ({
  recall: sum(qualities.map(({ recall }) => recall)) / qualities.length,
  ndcg: sum(qualities.map(({ ndcg }) => ndcg)) / qualities.length,
});

const gain = (index: number) => 1 / Math.log2(index + 2);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
