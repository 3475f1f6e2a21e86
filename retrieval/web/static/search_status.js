/** The lines around the results: how many, how fast, what the search noted, and what to try where there are none. */

import { isScoredByChance } from "./address_state.js";
import { createElement, findElement } from "./dom.js";
import { capitalise, formatCount } from "./text_format.js";

export const EXAMPLES = ["a cat", "a rocket in the sky", "music", "a cup of coffee"];

export class SearchStatus {
  /**
   * @param {import("./address_state.js").AddressState} state
   * @param {import("./notices.js").Notices} notices
   */
  constructor(state, notices) {
    this.state = state;
    this.notices = notices;
    this.line = findElement("result-count");
    this.note = findElement("search-note");
    findElement("examples").append(
      ...EXAMPLES.map((text) =>
        createElement("button", { type: "button", class: "example", onclick: () => state.start({ text }) }, text),
      ),
      ...["calm", "excited"].map((mood) =>
        createElement("button", { type: "button", class: "example mood", onclick: () => state.start({ mood }) }, `mood: ${mood}`),
      ),
    );
  }

  showBusy() {
    findElement("results").setAttribute("aria-busy", "true");
  }

  /**
   * @param {import("./api_types.js").SearchAnswer} answer
   */
  showAnswer({ query, results, note, warnings, took_ms }) {
    findElement("results").removeAttribute("aria-busy");
    this.notices.clear("search");
    this.line.textContent = `${formatCount(results.length, "results")} in ${Math.max(1, Math.round(took_ms))} ms`;
    const readAs = query.corrected ? `Searched for “${query.corrected}”.` : "";
    const lines = [...new Set([note ?? "", ...warnings, readAs])].filter(Boolean);
    const paragraphs = lines.map((line) => createElement("p", {}, capitalise(line)));
    this.note.replaceChildren(...paragraphs, ...(note && results.length && isScoredByChance(this.state.query) ? [this.#createThreshold()] : []));
    this.note.hidden = !lines.length;
  }

  /** Leaves out what is less likely a match than not. */
  #createThreshold() {
    const onclick = () => this.state.update({ min_score: "0.5" });
    return createElement("button", { type: "button", class: "link", onclick }, "Show only good matches");
  }

  /**
   * @param {boolean} isEmpty  whether nothing is searched for
   */
  showEmpty(isEmpty) {
    findElement("welcome").hidden = !isEmpty;
    findElement("results").removeAttribute("aria-busy");
    if (!isEmpty) return;
    this.notices.clear("search");
    this.#clear();
  }

  #clear() {
    this.line.textContent = "";
    this.note.hidden = true;
  }

  /**
   * @param {Error} error
   * @param {boolean} hasAnswer  whether results of the query are shown still
   */
  showError(error, hasAnswer) {
    if (!hasAnswer) this.#clear();
    findElement("results").removeAttribute("aria-busy");
    this.notices.showError("search", capitalise(error.message));
  }
}
