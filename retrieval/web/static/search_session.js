/**
 * Asks for results as the query changes. One request is on its way at a time; the answer of an earlier query is never
 * shown. "error" follows a failure, and leaves an answer only where it is to the same query. "answer" follows new results, "explained" their explanations, "empty" a query with nothing to look for.
 */

import { formatParameters, isSearch } from "./address_state.js";
import { fetchJson, LatestRequest } from "./api_client.js";

const PAGE_SIZE = 60; // results asked for at first
const MAX_RESULTS = 10_000; // of one search, by the API
const EXPLAINED_COUNT = 24; // results explained without being opened
const EXPLAINED_AT_ONCE = 4; // of them in one request, so that a new query need not wait long
const TYPING_MS = 70; // changes that follow each other faster are searched for after a pause as long
const EXPLAIN_MS = 150;

/**
 * @typedef {import("./api_types.js").SearchAnswer} SearchAnswer
 * @typedef {import("./api_types.js").Result} Result
 */

export class SearchSession extends EventTarget {
  /** @type {SearchAnswer | null} */
  answer = null;
  #search = new LatestRequest();
  #explain = new LatestRequest();
  #parameters = "";
  #answered = ""; // the parameters of `answer`
  #count = PAGE_SIZE;
  #timer = 0;
  #changedAt = -Infinity;

  /**
   * @param {import("./address_state.js").Query} query
   */
  setQuery(query) {
    const parameters = isSearch(query) ? formatParameters(query).toString() : "";
    if (parameters === this.#parameters) return;
    this.#parameters = parameters;
    this.#count = PAGE_SIZE;
    this.#abort();
    if (!parameters) {
      this.answer = null;
      this.dispatchEvent(new Event("empty"));
      return;
    }
    this.dispatchEvent(new Event("start"));
    const now = performance.now();
    this.#timer = setTimeout(() => this.#run(), now - this.#changedAt < TYPING_MS ? TYPING_MS : 0);
    this.#changedAt = now;
  }

  /** Whether anything is searched for. */
  get isActive() {
    return this.#parameters !== "";
  }

  /** Asks the same again, such as after the library has changed. */
  repeat() {
    if (!this.#parameters) return;
    this.#abort();
    this.#run();
  }

  /** Whether there may be more results than the answer has. */
  get mayHaveMore() {
    return this.answer !== null && this.answer.results.length >= this.#count && this.#count < MAX_RESULTS;
  }

  /** Asks for more results, where there may be any; "answer" follows. */
  extend() {
    if (!this.mayHaveMore) return;
    this.#count = Math.min(MAX_RESULTS, 4 * this.#count);
    this.repeat();
  }

  #abort() {
    clearTimeout(this.#timer);
    this.#search.abort();
    this.#explain.abort();
  }

  async #run() {
    try {
      const answer = await this.#search.run((signal) => this.#fetch({ k: this.#count }, signal));
      if (!answer) return;
      if (this.answer && this.#answered === this.#parameters) keepResults(this.answer.results, answer);
      this.answer = answer;
      this.#answered = this.#parameters;
      this.dispatchEvent(new Event("answer"));
      this.#timer = setTimeout(() => this.#explainFirst(), EXPLAIN_MS);
    } catch (error) {
      if (this.#answered !== this.#parameters) this.answer = null;
      this.dispatchEvent(new CustomEvent("error", { detail: error }));
    }
  }

  /**
   * @param {Record<string, string | number>} extra
   * @param {AbortSignal} [signal]
   * @returns {Promise<SearchAnswer>}
   */
  #fetch(extra, signal) {
    const parameters = new URLSearchParams(this.#parameters);
    for (const [name, value] of Object.entries(extra)) parameters.set(name, String(value));
    return fetchJson(`/api/search?${parameters}`, { signal });
  }

  async #explainFirst() {
    const first = (this.answer?.results ?? []).slice(0, EXPLAINED_COUNT).filter((result) => !result.why);
    for (let start = 0; start < first.length; start += EXPLAINED_AT_ONCE) {
      const ids = first.slice(start, start + EXPLAINED_AT_ONCE).map((result) => result.id);
      const answer = await this.#explain.run((signal) => this.#fetchExplained(ids, signal)).catch(() => null);
      if (!answer) return;
      this.#addExplanations(answer.results);
    }
  }

  /**
   * @param {string[]} ids
   * @param {AbortSignal} [signal]
   */
  #fetchExplained(ids, signal) {
    return this.#fetch({ k: this.#count, explain_items: ids.join(",") }, signal);
  }

  /**
   * The result with its explanation, which is asked for where it is not there yet.
   * @param {Result} result
   * @returns {Promise<Result>}
   */
  async explain(result) {
    if (result.why) return result;
    const answer = await this.#fetchExplained([result.id]);
    const { why, summary } = answer.results.find(({ id }) => id === result.id) ?? result;
    Object.assign(result, { why, summary }); // it may be of an answer before the last one
    this.#addExplanations(answer.results);
    return result;
  }

  /**
   * @param {Result[]} explained
   */
  #addExplanations(explained) {
    const byId = new Map(explained.filter((result) => result.why).map((result) => [result.id, result]));
    for (const result of this.answer?.results ?? []) {
      const { why, summary } = byId.get(result.id) ?? result;
      Object.assign(result, { why, summary });
    }
    this.dispatchEvent(new CustomEvent("explained", { detail: new Set(byId.keys()) }));
  }
}

/**
 * Keeps the results of an answer to the same query, with their explanations, where they are in the new one too.
 * @param {Result[]} results
 * @param {SearchAnswer} answer
 */
function keepResults(results, answer) {
  const byId = new Map(results.map((result) => [result.id, result]));
  answer.results = answer.results.map((result) => Object.assign(byId.get(result.id) ?? {}, result));
}
