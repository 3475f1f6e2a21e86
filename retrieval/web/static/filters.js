/** Filters beside the query: kinds of media, folder, least score, and, behind "more", weights and dates. */

import { createElement, createIcon, findElement } from "./dom.js";
import { describeFusion, describeSpace } from "./display_names.js";
import { MODALITIES, MODALITY_PLURALS } from "./modality_style.js";
import { getFileName, toPrintable } from "./text_format.js";

/**
 * @typedef {import("./address_state.js").AddressState} AddressState
 * @typedef {import("./address_state.js").Query} Query
 * @typedef {import("./api_types.js").Library} Library
 */

/** Fields of the form behind "more" that are one input each. @type {[string, string][]} */
const INPUTS = [
  ["since", "since"],
  ["until", "until"],
  ["fusion", "fusion"],
  ["diversify", "diversify"],
];

export class Filters {
  /** @type {Map<string, HTMLButtonElement>} */
  #chips = new Map();
  /** @type {Map<string, HTMLInputElement>} */
  #weights = new Map();

  /**
   * @param {AddressState} state
   */
  constructor(state) {
    this.state = state;
    /** @type {HTMLSelectElement} */
    this.folders = findElement("folder");
    /** @type {HTMLInputElement} */
    this.minScore = findElement("min-score");
    this.folders.addEventListener("change", () => state.update({ under: this.folders.value }));
    this.minScore.addEventListener("input", () => state.update({ min_score: dropZero(this.minScore.value) }, "min_score"));
    this.minScore.addEventListener("change", () => state.commit());
    findElement("mood-from-words").addEventListener("change", (/** @type {Event} */ event) => {
      state.update({ mood_from_words: /** @type {HTMLInputElement} */ (event.target).checked ? "true" : "" });
    });
    for (const [field, id] of INPUTS) {
      const input = findElement(id);
      input.addEventListener("change", () => state.update({ [field]: input.value }));
    }
    this.#listenToExclusions();
  }

  #listenToExclusions() {
    /** @type {HTMLFormElement} */
    const form = findElement("exclude-form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const input = findElement("exclude-text");
      const text = input.value.trim();
      if (text) this.state.update({ not: [...new Set([...this.state.query.not, text])] });
      input.value = "";
    });
  }

  /**
   * @param {Library} library
   */
  showLibrary(library) {
    this.#chips = new Map(MODALITIES.map((name) => [name, this.#createChip(name, library.items[name] ?? 0)]));
    findElement("modality-chips").replaceChildren(...this.#chips.values());
    this.#showFolders(library);
    this.#weights = new Map(library.spaces.map((space) => [space, this.#createWeight(space)]));
    findElement("weights").replaceChildren(
      ...library.spaces.map((space) =>
        createElement("label", {}, createElement("span", {}, describeSpace(space)), this.#weights.get(space)),
      ),
    );
    findElement("fusion").replaceChildren(
      ...library.fusion.map((rule, index) => createElement("option", { value: index ? rule : "" }, describeFusion(rule))),
    );
    this.showQuery(this.state.query);
  }

  /**
   * @param {string} modality
   * @param {number} count
   */
  #createChip(modality, count) {
    return createElement(
      "button",
      { type: "button", class: "filter-chip", "data-modality": modality, "aria-pressed": "false", onclick: () => this.#toggle(modality) },
      createIcon(modality),
      `${MODALITY_PLURALS[modality]} `,
      createElement("span", { class: "count" }, count.toLocaleString("en")),
    );
  }

  /**
   * No chip pressed: all kinds.
   * @param {string} modality
   */
  #toggle(modality) {
    const chosen = new Set(splitNames(this.state.query.modalities));
    if (!chosen.delete(modality)) chosen.add(modality);
    const names = MODALITIES.filter((name) => chosen.has(name));
    this.state.update({ modalities: names.length === MODALITIES.length ? "" : names.join(",") });
  }

  /**
   * @param {Library} library
   */
  #showFolders({ folders }) {
    const options = folders.map(({ path, items }) => createElement("option", { value: path, title: toPrintable(path) }, `${getFileName(path)} (${items})`));
    this.folders.replaceChildren(createElement("option", { value: "" }, "All folders"), ...options);
    findElement("folder-label").hidden = folders.length < 2;
  }

  /**
   * @param {string} space
   */
  #createWeight(space) {
    const slider = createElement("input", { type: "range", min: 0, max: 3, step: 0.25, value: 1, "data-space": space });
    slider.addEventListener("input", () => this.state.update({ weights: this.#formatWeights() }, "weights"));
    slider.addEventListener("change", () => this.state.commit());
    return slider;
  }

  #formatWeights() {
    const pairs = [...this.#weights].map(([space, slider]) => [space, Number(slider.value)]);
    if (pairs.every(([, weight]) => weight === 0)) return this.state.query.weights;
    return pairs.filter(([, weight]) => weight !== 1).map(([space, weight]) => `${space}=${weight}`).join(",");
  }

  /**
   * @param {Query} query
   */
  showQuery(query) {
    const chosen = splitNames(query.modalities);
    for (const [name, chip] of this.#chips) chip.setAttribute("aria-pressed", String(chosen.includes(name)));
    this.#showFolder(query.under);
    this.minScore.value = query.min_score || "0";
    findElement("min-score-value").textContent = query.min_score ? Number(query.min_score).toFixed(2) : "any";
    findElement("mood-from-words").checked = query.mood_from_words === "true";
    for (const [field, id] of INPUTS) findElement(id).value = query[field];
    const weights = Object.fromEntries(splitNames(query.weights).map((pair) => pair.split("=")));
    for (const [space, slider] of this.#weights) slider.value = weights[space] ?? "1";
  }

  /**
   * @param {string} folder
   */
  #showFolder(folder) {
    const isListed = [...this.folders.options].some((option) => option.value === folder);
    if (!isListed) this.folders.append(createElement("option", { value: folder }, getFileName(folder)));
    this.folders.value = folder;
  }
}

/**
 * @param {string} text  names between commas
 */
function splitNames(text) {
  return text.split(",").filter(Boolean);
}

/**
 * @param {string} value
 */
function dropZero(value) {
  return Number(value) ? value : "";
}
