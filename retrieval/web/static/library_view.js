/** The library without a search: its map, its timeline, a gallery of what is selected, and what could not be read. */

import { fetchJson, LatestRequest } from "./api_client.js";
import { createElement, findElement } from "./dom.js";
import { ItemGrid } from "./item_grid.js";
import { fetchAllItems } from "./item_source.js";
import { LibraryMap } from "./library_map.js";
import { MODALITIES, MODALITY_PLURALS } from "./modality_style.js";
import { Timeline } from "./timeline.js";
import { formatCount, toPrintable } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").Item} Item
 * @typedef {import("./api_types.js").Library} Library
 */

export class LibraryView {
  /** @type {Item[]} */
  #items = [];
  #request = new LatestRequest();
  #isStale = true;

  /**
   * @param {(item: Item) => void} onOpen
   * @param {import("./notices.js").Notices} notices
   */
  constructor(onOpen, notices) {
    this.notices = notices;
    this.map = new LibraryMap(findElement("library-map"));
    this.gallery = new ItemGrid(findElement("gallery"), onOpen);
    this.timeline = new Timeline(findElement("timeline"), (period) => {
      const ids = period && new Set(period.items.map((item) => item.id));
      this.map.select(ids);
    });
    this.map.addEventListener("select", (event) => this.#showSelection(/** @type {CustomEvent} */ (event).detail));
    findElement("map-zoom-in").addEventListener("click", () => this.map.zoomBy(1));
    findElement("map-zoom-out").addEventListener("click", () => this.map.zoomBy(-1));
    for (const id of ["map-reset", "clear-selection"]) findElement(id).addEventListener("click", () => this.#reset());
  }

  #reset() {
    this.timeline.clear();
    this.map.reset();
  }

  /** What is shown is read again the next time it is looked at. */
  invalidate() {
    this.#isStale = true;
  }

  /**
   * @param {Library} library
   * @param {{plotted: import("./plane_drawing.js").PlottedItem[], total: number}} affectMap
   */
  async show(library, { plotted, total }) {
    this.map.show(plotted, library.landmarks);
    findElement("map-sample").hidden = plotted.length >= total;
    findElement("map-sample").textContent =
      `A sample of ${plotted.length.toLocaleString("en")} of ${formatCount(total, "items")}; a selection takes no others.`;
    this.#showCounts(library);
    if (!this.#isStale || library.state === "missing") return;
    this.#isStale = false;
    this.#showUnreadable();
    await this.#request
      .run((signal) => fetchAllItems((items) => this.#showItems(items), signal))
      .catch((error) => this.notices.showError("items", error.message));
  }

  /**
   * @param {Item[]} items
   */
  #showItems(items) {
    this.#items = items;
    this.timeline.show(items);
    this.#showSelection(null);
  }

  /**
   * @param {Set<string> | null} ids
   */
  #showSelection(ids) {
    const chosen = ids ? this.#items.filter((item) => ids.has(item.id)) : this.#items;
    this.gallery.show(chosen);
    findElement("gallery-count").textContent = ids
      ? `${formatCount(chosen.length, "items")} selected`
      : formatCount(chosen.length, "items");
    findElement("clear-selection").hidden = !ids;
  }

  /**
   * @param {Library} library
   */
  #showCounts(library) {
    const kinds = MODALITIES.filter((name) => library.items[name]);
    const counts = kinds.map((name) => formatCount(library.items[name], MODALITY_PLURALS[name]));
    const others = [
      library.unreadable ? `${formatCount(library.unreadable, "files")} could not be read` : "",
      library.missing ? `${formatCount(library.missing, "files")} not there now` : "",
    ];
    findElement("library-counts").textContent = [...counts, ...others].filter(Boolean).join(" · ") || "nothing yet";
    findElement("library-path").textContent = toPrintable(library.library);
  }

  async #showUnreadable() {
    const files = await fetchJson("/api/unreadable").catch(() => []);
    findElement("unreadable-section").hidden = !files.length;
    findElement("unreadable").replaceChildren(
      ...files.map((/** @type {{path: string, reason: string}} */ { path, reason }) =>
        createElement("li", {}, createElement("code", {}, toPrintable(path)), createElement("span", {}, reason)),
      ),
    );
  }
}
