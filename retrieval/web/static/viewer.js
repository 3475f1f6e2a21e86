/** The dialog with one item: its player, why it was found, what to do from here, and its caption. */

import { fetchJson, LatestRequest } from "./api_client.js";
import { createCaptionForm } from "./caption_form.js";
import { createElement, createIcon, findElement } from "./dom.js";
import { createDescription, createExplanation } from "./explanation.js";
import { getNoun } from "./modality_style.js";
import { Player } from "./player.js";
import { formatSeconds, formatSpan, getFileName, toPrintable } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").Result} Result
 * @typedef {import("./api_types.js").Item} Item
 * @typedef {import("./api_types.js").ItemDetails} ItemDetails
 *
 * @typedef {object} ViewerActions
 * @property {(item: Result | Item, nudge: string | null) => void} searchLike
 * @property {(result: Result) => void} exclude
 * @property {(result: Result) => Promise<Result>} explain
 * @property {(result: Result, step: number) => Result | undefined} getNeighbour
 * @property {() => import("./api_types.js").Point | null} getTarget
 */

export class Viewer {
  #request = new LatestRequest();
  /** @type {Result | Item | null} */
  #shown = null;

  /**
   * @param {ViewerActions} actions
   * @param {import("./notices.js").Notices} notices
   */
  constructor(actions, notices) {
    this.actions = actions;
    this.notices = notices;
    /** @type {HTMLDialogElement} */
    this.dialog = findElement("viewer");
    this.player = new Player(findElement("viewer-player"));
    this.dialog.addEventListener("close", () => this.#clear());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.#handleKey(event));
    findElement("viewer-close").addEventListener("click", () => this.dialog.close());
    findElement("viewer-previous").addEventListener("click", () => this.#step(-1));
    findElement("viewer-next").addEventListener("click", () => this.#step(1));
  }

  /**
   * @param {Result | Item} item
   * @param {boolean} plays  whether a video or sound starts at once
   */
  async open(item, plays) {
    this.#shown = item;
    this.#showHeader(item);
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const details = await this.#request.run((signal) => fetchJson(`/api/items/${encodeURIComponent(item.id)}`, { signal }));
      if (!details) return;
      this.#showDetails(item, details);
      if (plays) this.player.play();
    } catch (error) {
      findElement("viewer-details").replaceChildren(createElement("p", { role: "alert" }, /** @type {Error} */ (error).message));
    }
  }

  #clear() {
    this.#request.abort();
    this.player.stop();
    this.#shown = null;
  }

  /**
   * @param {Result | Item} item
   */
  #showHeader(item) {
    const name = getFileName(item.path);
    Object.assign(findElement("viewer-title"), { textContent: name, title: name });
    findElement("viewer-actions").replaceChildren(...this.#createActions(item));
    findElement("viewer-details").replaceChildren();
    this.player.stop();
    for (const [id, step] of /** @type {[string, number][]} */ ([["viewer-previous", -1], ["viewer-next", 1]])) {
      findElement(id).hidden = !isResult(item);
      findElement(id).disabled = !isResult(item) || !this.actions.getNeighbour(item, step);
    }
  }

  /**
   * @param {Result | Item} item
   */
  #createActions(item) {
    const search = (/** @type {string | null} */ nudge) => () => {
      this.dialog.close();
      this.actions.searchLike(item, nudge);
    };
    const buttons = /** @type {[string, string, () => void][]} */ ([
      ["similar", "More like this", search(null)],
      ["calmer", "Calmer", search("calmer")],
      ["brighter", "Brighter", search("brighter")],
    ]);
    if (isResult(item)) buttons.push(["exclude", "Not this", () => (this.dialog.close(), this.actions.exclude(item))]);
    return buttons.map(([icon, label, run]) => createElement("button", { type: "button", onclick: run }, createIcon(icon), label));
  }

  /**
   * @param {Result | Item} item
   * @param {ItemDetails} details
   */
  #showDetails(item, details) {
    const moment = { start: null, end: null, ...item };
    this.player.show(moment, details);
    if (isResult(item)) this.player.markMoment(item.why?.moment ?? null);
    const box = findElement("viewer-details");
    const facts = createElement("p", { class: "facts" }, listFacts(moment, details).join(" · "));
    const paths = createElement("p", { class: "path" }, details.paths.map(toPrintable).join("\n"));
    const caption = createCaptionForm(details, this.notices);
    if (isResult(item)) this.#showExplanation(item, details, box, [facts, paths, caption]);
    else box.replaceChildren(facts, createDescription(details), caption, paths);
  }

  /**
   * @param {Result} result
   * @param {ItemDetails} details
   * @param {HTMLElement} box
   * @param {HTMLElement[]} parts
   */
  async #showExplanation(result, details, box, [facts, paths, caption]) {
    const render = () => box.replaceChildren(facts, createExplanation(result, details, this.actions.getTarget()), caption, paths);
    render();
    if (result.why) return;
    await this.actions.explain(result).catch(() => result);
    if (this.#shown !== result) return;
    render();
    this.player.markMoment(result.why?.moment ?? null);
  }

  /**
   * @param {number} step
   */
  #step(step) {
    const next = this.#shown && isResult(this.#shown) ? this.actions.getNeighbour(this.#shown, step) : undefined;
    if (next) this.open(next, false);
  }

  /**
   * @param {KeyboardEvent} event
   */
  #handleKey(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, textarea, audio, video")) return;
    if (event.key === "ArrowLeft") this.#step(-1);
    else if (event.key === "ArrowRight") this.#step(1);
    else if (event.key === " " && !target.matches("button, summary, a")) this.player.toggle();
    else if (event.key.toLowerCase() === "p") this.player.toggle();
    else return;
    event.preventDefault();
  }
}

/**
 * @param {Result | Item} item
 * @returns {item is Result}
 */
function isResult(item) {
  return "rank" in item;
}

/**
 * @param {import("./preview.js").Moment} moment
 * @param {ItemDetails} details
 */
function listFacts(moment, { modality, duration, width, height }) {
  return [
    getNoun(modality),
    width && height ? `${width} × ${height}` : "",
    duration ? formatSeconds(duration) : "",
    moment.start !== null && modality !== "image" ? `found at ${formatSpan(moment.start, moment.end)}` : "",
  ].filter(Boolean);
}
