/**
 * The query as the address of the page: every field of a search is a parameter of the same name, so that back,
 * forward, a reload and a shared link bring the query back.
 */

const SINGLE_FIELDS = [
  "text", "item", "image", "audio", "video", "mood", "radius", "affect", "mood_from_words", "under", "since",
  "until", "modalities", "weights", "fusion", "balance", "diversify", "min_score",
];
const REPEATED_FIELDS = ["not", "then", "nudge", "not_mood"];
const CONTENT_FIELDS = ["text", "item", "image", "audio", "video"];
export const VIEWS = ["search", "library"];

/**
 * Single fields are strings, "" where absent; repeated ones are lists of strings.
 * @typedef {Record<string, any> & {view: string}} Query
 */

/**
 * @param {string} search  the part of an address from "?"
 * @returns {Query}
 */
export function parseAddress(search) {
  const parameters = new URLSearchParams(search);
  const view = parameters.get("view") ?? "";
  return {
    ...Object.fromEntries(SINGLE_FIELDS.map((name) => [name, parameters.get(name) ?? ""])),
    ...Object.fromEntries(REPEATED_FIELDS.map((name) => [name, parameters.getAll(name)])),
    view: VIEWS.includes(view) ? view : VIEWS[0],
  };
}

/**
 * The fields of a search alone, as the API takes them.
 * @param {Query} query
 * @returns {URLSearchParams}
 */
export function formatParameters(query) {
  const parameters = new URLSearchParams();
  for (const name of SINGLE_FIELDS) if (query[name].trim()) parameters.append(name, query[name].trim());
  for (const name of REPEATED_FIELDS) for (const value of query[name]) parameters.append(name, value);
  return parameters;
}

/**
 * @param {Query} query
 */
export function formatAddress(query) {
  const parameters = formatParameters(query);
  if (query.view !== VIEWS[0]) parameters.append("view", query.view);
  const text = parameters.toString().replaceAll("%2C", ",");
  return text ? `/?${text}` : "/";
}

/**
 * Whether there is anything to rank by.
 * @param {Query} query
 */
export function isSearch(query) {
  const fields = [...CONTENT_FIELDS, "mood"];
  return fields.some((name) => query[name].trim()) || query.not.length > 0 || query.not_mood.length > 0;
}

/**
 * Whether it says what to look for, beside a mood.
 * @param {Query} query
 */
export function hasContent(query) {
  return CONTENT_FIELDS.some((name) => query[name].trim());
}

/**
 * Whether scores are chances of a match: of content alone, by a rule that does not fuse ranks.
 * @param {Query} query
 */
export function isScoredByChance(query) {
  return hasContent(query) && !query.mood && !query.nudge.length && query.fusion !== "rrf";
}

/**
 * The query without fields that make no sense without others, so that the server refuses neither a click nor a link.
 * @param {Query} query
 * @returns {Query}
 */
export function completeQuery(query) {
  const complete = { ...query };
  if (!hasContent(query)) Object.assign(complete, { affect: "", nudge: [] });
  if (!query.text.trim()) complete.mood_from_words = "";
  if (!query.mood) Object.assign(complete, { radius: "", then: [] });
  if (query.mood) Object.assign(complete, { nudge: [], mood_from_words: "" });
  if (query.then.length) complete.radius = "";
  return complete;
}

/** Keeps the query and the address the same. "change" follows every change, from the page or the browser. */
export class AddressState extends EventTarget {
  /** @type {string | null} */
  #openField = null;

  constructor() {
    super();
    /** @type {Query} */
    this.query = completeQuery(parseAddress(location.search));
    addEventListener("popstate", () => {
      this.#openField = null;
      this.query = completeQuery(parseAddress(location.search));
      this.dispatchEvent(new Event("change"));
    });
  }

  /**
   * @param {Partial<Query>} changes
   * @param {string | null} [field]  while one field is typed or dragged, its changes are one step of the history
   */
  update(changes, field = null) {
    const query = completeQuery({ ...this.query, ...changes });
    const address = formatAddress(query);
    const isSame = address === formatAddress(this.query);
    this.query = query;
    if (!isSame) {
      if (field !== null && field === this.#openField) history.replaceState(null, "", address);
      else history.pushState(null, "", address);
      this.#openField = field;
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Ends the step of the history that typing or dragging kept open. */
  commit() {
    this.#openField = null;
  }

  /**
   * A query of these fields alone; filters stay.
   * @param {Partial<Query>} fields
   */
  start(fields) {
    const empty = parseAddress("");
    const filters = ["under", "since", "until", "modalities", "weights", "fusion", "min_score", "diversify"];
    const kept = Object.fromEntries(filters.map((name) => [name, this.query[name]]));
    this.update({ ...empty, ...kept, ...fields });
  }
}
