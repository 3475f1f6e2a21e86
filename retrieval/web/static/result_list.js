/** The list of results: near-duplicates fold beneath the first of them. */

import { findElement } from "./dom.js";
import { createResultCard, showSummary } from "./result_card.js";
import { formatCount } from "./text_format.js";
import { VirtualGrid } from "./virtual_grid.js";

const NARROW = 500; // pixels of a list, below which two small cards are a row
const CARD_SIZE = { getMinWidth: (/** @type {number} */ width) => (width < NARROW ? 150 : 196), cardHeight: 278, gap: 14 };

const LIKELY_SCORE = 0.1; // a chance; less is rather no match

/** @typedef {import("./api_types.js").Result} Result */

export class ResultList {
  /** @type {Result[]} */
  #results = [];
  /** @type {Result[]} */
  #shown = [];
  /** @type {Map<string, Result[]>} */
  #duplicates = new Map();
  /** @type {Set<string>} */
  #expanded = new Set();
  /** @type {Set<string>} */
  #hidden = new Set();
  /** @type {string[]} */
  #keys = []; // what each card shows, to keep those that stay the same
  #folds = { folds: false, isWhole: true };
  #showsUnlikely = false;

  /**
   * @param {Omit<import("./result_card.js").ResultActions, "toggleGroup">} actions
   * @param {() => void} onNearEnd
   */
  constructor(actions, onNearEnd) {
    this.actions = { ...actions, toggleGroup: (/** @type {Result} */ result) => this.#toggleGroup(result) };
    const createCard = (/** @type {number} */ index) => this.#createCard(this.#shown[index]);
    const getId = (/** @type {number} */ index) => this.#shown[index].id;
    /** @type {HTMLButtonElement} */
    this.more = findElement("show-unlikely");
    this.more.addEventListener("click", () => this.#showUnlikely());
    const extend = () => this.more.hidden && onNearEnd();
    this.grid = new VirtualGrid(findElement("results"), { createCard, getId, onNearEnd: extend, ...CARD_SIZE });
  }

  /**
   * @param {Result[]} results
   * @param {{folds: boolean, isWhole: boolean}} [options]  whether those that are no likely matches fold beneath the
   *   others, and whether there are no more of them
   */
  show(results, options = { folds: false, isWhole: true }) {
    const [first] = this.#results;
    if (first?.id !== results[0]?.id) this.grid.resetFocus();
    this.#folds = options;
    this.#results = results;
    this.#duplicates = groupDuplicates(results);
    this.#fold();
  }

  /**
   * Shows the summaries that results have now.
   * @param {Set<string>} ids
   */
  showSummaries(ids) {
    this.#shown.forEach((result, index) => {
      const card = ids.has(result.id) && this.grid.getCard(index);
      if (card) showSummary(card, result);
    });
  }

  /**
   * Leaves out one result until the page is left.
   * @param {Result} result
   */
  hide(result) {
    this.#hidden.add(result.id);
    this.#fold();
  }

  /**
   * The result before or after another, as listed; undefined at the ends.
   * @param {Result} result
   * @param {number} step
   */
  getNeighbour(result, step) {
    return this.#shown[this.#shown.indexOf(result) + step];
  }

  /**
   * The result that an element of the list belongs to.
   * @param {Element} element
   */
  findResult(element) {
    const id = /** @type {HTMLElement | null} */ (element.closest("[data-id]"))?.dataset.id;
    return this.#shown.find((result) => result.id === id);
  }

  #fold() {
    const isShown = (/** @type {Result} */ { id, group }) => !this.#hidden.has(id) && (!group || this.#expanded.has(group));
    const listed = this.#results.filter(isShown);
    const end = this.#folds.folds && !this.#showsUnlikely ? countLikely(listed) : listed.length;
    this.#shown = listed.slice(0, end);
    this.more.hidden = end === listed.length;
    this.more.textContent = `Show ${this.#folds.isWhole ? formatCount(listed.length - end, "less likely results") : "less likely results"}`;
    const keys = this.#shown.map((result) => this.#describeCard(result));
    const changed = keys.findIndex((key, index) => key !== this.#keys[index]);
    this.grid.setCount(keys.length, changed < 0 ? keys.length : changed);
    this.#keys = keys;
  }

  /** Folds what is no likely match again: what follows is another query. */
  foldUnlikely() {
    this.#showsUnlikely = false;
  }

  #showUnlikely() {
    const first = this.#shown.length;
    this.#showsUnlikely = true;
    this.#fold();
    this.grid.focusCard(first);
  }

  /**
   * @param {Result} result
   */
  #toggleGroup(result) {
    if (!this.#expanded.delete(result.id)) this.#expanded.add(result.id);
    this.#fold();
    this.grid.focusCard(this.#shown.indexOf(result));
  }

  /**
   * @param {Result} result
   */
  #describeCard({ id, rank, score, start }) {
    return [id, rank, score, start, this.#duplicates.get(id)?.length, this.#expanded.has(id)].join(" ");
  }

  /**
   * @param {Result} result
   */
  #createCard(result) {
    const hidden = this.#duplicates.get(result.id)?.length ?? 0;
    return createResultCard(result, { hidden, isExpanded: this.#expanded.has(result.id) }, this.actions);
  }
}

/**
 * By the first of a group, the results that are nearly the same.
 * @param {Result[]} results
 */
function groupDuplicates(results) {
  /** @type {Map<string, Result[]>} */
  const groups = new Map();
  for (const result of results) if (result.group) groups.set(result.group, [...(groups.get(result.group) ?? []), result]);
  return groups;
}

/**
 * How many of the results come before those that are all no likely matches; all where none is likely. Results are
 * not strictly in order of score: kinds of media are balanced.
 * @param {Result[]} results
 */
function countLikely(results) {
  const last = results.findLastIndex(({ score }) => score >= LIKELY_SCORE);
  return last < 0 ? results.length : last + 1;
}
