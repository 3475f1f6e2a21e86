/** The name and picture of the item under the pointer on a plane. */

import { getPreviewAddress } from "./api_client.js";
import { createElement } from "./dom.js";
import { getNoun } from "./modality_style.js";
import { formatAffect } from "./text_format.js";

const NEAR_PIXELS = 8;

/** @typedef {import("./plane_drawing.js").PlottedItem} PlottedItem */

export class PlaneTooltip {
  /** @type {PlottedItem[]} */
  #items = [];
  /** @type {PlottedItem | null} */
  #shown = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./plane_view.js").PlaneView} view
   */
  constructor(canvas, view) {
    this.view = view;
    this.box = createElement("div", { class: "plane-tooltip", hidden: true, "aria-hidden": "true" });
    canvas.after(this.box);
    canvas.addEventListener("pointermove", (event) => this.#show(event.buttons ? null : this.#find(event), event));
    canvas.addEventListener("pointerleave", (event) => this.#show(null, event));
  }

  /**
   * @param {PlottedItem[]} items
   */
  setItems(items) {
    this.#items = items;
  }

  /**
   * @param {PointerEvent} event
   */
  #find(event) {
    let nearest = null;
    let least = NEAR_PIXELS;
    for (const item of this.#items) {
      const away = Math.hypot(
        this.view.getX(item.valence) - event.offsetX,
        this.view.getY(item.arousal) - event.offsetY,
      );
      if (away < least) [nearest, least] = [item, away];
    }
    return nearest;
  }

  /**
   * @param {PlottedItem | null} item
   * @param {PointerEvent} event
   */
  #show(item, event) {
    this.box.hidden = !item;
    if (!item) {
      this.#shown = null;
      return;
    }
    if (item !== this.#shown) this.#fill(item);
    const isRight = event.offsetX > this.view.width / 2;
    this.box.style.left = `${isRight ? event.offsetX - this.box.offsetWidth - 12 : event.offsetX + 12}px`;
    this.box.style.top = `${Math.min(event.offsetY + 12, this.view.height - this.box.offsetHeight)}px`;
    this.#shown = item;
  }

  /**
   * @param {PlottedItem} item
   */
  #fill(item) {
    const picture = createElement("img", { alt: "", src: getPreviewAddress(item.id) });
    picture.addEventListener("error", () => picture.remove());
    const name = createElement("strong", {}, item.name);
    this.box.replaceChildren(picture, name, createElement("span", {}, `${getNoun(item.modality)}, ${formatAffect(item)}`));
  }
}
