/** What is searched for beside the words: a chip each, with a button that takes it away. */

import { fetchJson, getPreviewAddress } from "./api_client.js";
import { createElement, createIconButton, findElement } from "./dom.js";
import { NUDGE_NAMES } from "./display_names.js";
import { getNoun } from "./modality_style.js";
import { parsePoint } from "./mood_panel.js";
import { formatSigned, getFileName } from "./text_format.js";
import { getUploadName } from "./uploads.js";

/**
 * @typedef {import("./address_state.js").Query} Query
 * @typedef {{label: string, changes: Partial<Query>, picture?: string}} Chip
 */

export class QueryChips {
  /** @type {Map<string, string>} */
  #nameById = new Map();

  /**
   * @param {import("./address_state.js").AddressState} state
   */
  constructor(state) {
    this.state = state;
    /** @type {HTMLElement} */
    this.list = findElement("query-chips");
    this.showQuery(state.query);
  }

  /**
   * @param {Query} query
   */
  showQuery(query) {
    const chips = this.#listChips(query);
    const focused = [...this.list.children].findIndex((chip) => chip.contains(document.activeElement));
    this.list.replaceChildren(...chips.map((chip) => this.#createChip(chip)));
    this.list.hidden = !chips.length;
    if (focused < 0) return;
    const next = this.list.children[Math.min(focused, chips.length - 1)];
    (next?.querySelector("button") ?? findElement("search-text")).focus();
  }

  /**
   * The name of a library item that is searched with, so that its chip need not ask for it.
   * @param {string} id
   * @param {string} path
   */
  learnName(id, path) {
    this.#nameById.set(id, getFileName(path));
  }

  /**
   * @param {Query} query
   * @returns {Chip[]}
   */
  #listChips(query) {
    return [
      ...(query.item ? [this.#describeItem(query.item)] : []),
      ...["image", "audio", "video"].filter((kind) => query[kind]).map((kind) => describeUpload(kind, query[kind])),
      ...query.nudge.map((/** @type {string} */ name) => ({ label: NUDGE_NAMES[name] ?? name, ...without(query, "nudge", name) })),
      ...(query.mood ? [describeMood(query)] : []),
      ...query.not.map((/** @type {string} */ text) => ({ label: `not “${text}”`, ...without(query, "not", text) })),
      ...query.not_mood.map((/** @type {string} */ text) => ({ label: `not ${text}`, ...without(query, "not_mood", text) })),
    ];
  }

  /**
   * @param {string} id
   * @returns {Chip}
   */
  #describeItem(id) {
    const name = this.#nameById.get(id);
    if (name === undefined) this.#fetchName(id);
    return { label: `like ${name ?? "…"}`, changes: { item: "", nudge: [] }, picture: getPreviewAddress(id) };
  }

  /**
   * @param {string} id
   */
  async #fetchName(id) {
    this.#nameById.set(id, "…");
    const item = await fetchJson(`/api/items/${encodeURIComponent(id)}`).catch(() => ({ paths: [id] }));
    this.learnName(id, item.paths[0] ?? id);
    this.showQuery(this.state.query);
  }

  /**
   * @param {Chip} chip
   */
  #createChip({ label, changes, picture }) {
    const image = picture ? createElement("img", { src: picture, alt: "" }) : null;
    image?.addEventListener("error", () => image.remove());
    const remove = createIconButton("close", `Remove ${label}`, () => this.state.update(changes));
    return createElement("li", { class: "chip" }, image, createElement("span", {}, label), remove);
  }
}

/**
 * @param {Query} query
 * @returns {Chip}
 */
function describeMood({ mood, then, radius }) {
  const names = [mood, ...then].map((text) => {
    const point = parsePoint(text);
    return point ? `${formatSigned(point.valence)} ${formatSigned(point.arousal)}` : text;
  });
  const within = radius ? ` within ${radius}` : "";
  return { label: `mood ${names.join(" → ")}${within}`, changes: { mood: "", radius: "", then: [] } };
}

/**
 * @param {string} kind
 * @param {string} id
 * @returns {Chip}
 */
function describeUpload(kind, id) {
  return { label: getUploadName(id) || `your ${getNoun(kind)}`, changes: { [kind]: "" } };
}

/**
 * @param {Query} query
 * @param {string} field
 * @param {string} value
 */
function without(query, field, value) {
  return { changes: { [field]: query[field].filter((/** @type {string} */ other) => other !== value) } };
}
