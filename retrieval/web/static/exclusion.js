/** "Not this": the term that leaves out what is like a result, which is what was seen or heard in it. */

/**
 * Null where nothing was recognised in it.
 * @param {import("./api_types.js").Result} result
 * @returns {string | null}
 */
export function findExclusion({ why }) {
  const [label] = why?.labels ?? [];
  const [event] = why?.events ?? [];
  const best = label && event ? (label[1] >= event[1] ? label : event) : (label ?? event);
  return best ? best[0].split(",")[0].toLowerCase() : null;
}
