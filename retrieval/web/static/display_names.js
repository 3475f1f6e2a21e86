/** Names of the search's own terms in plain words. */

/** What each space compares. @type {Record<string, string>} */
const SPACE_NAMES = { object: "What it shows", activity: "What happens", audio: "What it sounds like" };

/** Fusion rules, as `affect search --help` has them. @type {Record<string, string>} */
const FUSION_NAMES = { mean: "weighted mean", rrf: "reciprocal ranks", learned: "learned weights" };

/**
 * @param {string} space
 */
export function describeSpace(space) {
  return SPACE_NAMES[space] ?? space;
}

/**
 * @param {string} rule
 */
export function describeFusion(rule) {
  return FUSION_NAMES[rule] ?? rule;
}

/** By the name of a nudge in a query, its words. @type {Record<string, string>} */
export const NUDGE_NAMES = {
  calmer: "calmer",
  "more-intense": "more intense",
  sadder: "sadder",
  brighter: "brighter",
};
