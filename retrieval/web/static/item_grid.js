/** A grid of library items without a search: their previews and names. */

import { createElement, createIcon } from "./dom.js";
import { getNoun } from "./modality_style.js";
import { createPreview } from "./preview.js";
import { formatSeconds, getFileName, toPrintable } from "./text_format.js";
import { VirtualGrid } from "./virtual_grid.js";

const TILE_SIZE = { getMinWidth: () => 120, cardHeight: 128, gap: 8 };

/** @typedef {import("./api_types.js").Item} Item */

export class ItemGrid {
  /** @type {Item[]} */
  #items = [];

  /**
   * @param {HTMLElement} list
   * @param {(item: Item) => void} onOpen
   */
  constructor(list, onOpen) {
    this.onOpen = onOpen;
    const createCard = (/** @type {number} */ index) => this.#createTile(this.#items[index]);
    this.grid = new VirtualGrid(list, { createCard, getId: (index) => this.#items[index].id, ...TILE_SIZE });
  }

  /**
   * @param {Item[]} items
   */
  show(items) {
    this.#items = items;
    this.grid.setCount(items.length);
  }

  /**
   * @param {Item} item
   */
  #createTile(item) {
    const name = getFileName(item.path);
    const badge = item.duration === null || item.modality === "image" ? null : formatSeconds(item.duration);
    return createElement(
      "button",
      { type: "button", class: "tile", title: toPrintable(item.path), "aria-label": `${name}, ${getNoun(item.modality)}`, onclick: () => this.onOpen(item) },
      createPreview({ ...item, start: null, end: null }),
      badge && createElement("span", { class: "badge", "data-modality": item.modality }, createIcon(item.modality), badge),
      createElement("span", { class: "tile-name" }, name),
    );
  }
}
