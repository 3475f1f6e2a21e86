/** What was recognised in an item: labels seen and sound events heard, each with its probability. */

const MIN_SCORE = 0.3; // from which on a term is taken for certain; MIN_CLASS_SCORE of the encoders

/** @typedef {[name: string, score: number]} Term */

/**
 * @param {Term} term
 */
export function isCertain([, score]) {
  return score >= MIN_SCORE;
}

/**
 * The surest label and the surest event, where they are certain; the first of the names that a label has.
 * @param {{labels?: Term[], events?: Term[]} | undefined} found
 * @returns {string[]}
 */
export function listCertainNames({ labels = [], events = [] } = {}) {
  const best = [...labels.slice(0, 1), ...events.slice(0, 1)].filter(isCertain);
  return best.sort((first, second) => second[1] - first[1]).map(([name]) => name.split(",")[0].toLowerCase());
}
