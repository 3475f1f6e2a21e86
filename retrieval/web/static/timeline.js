/** Items over time: a bar a period, stacked by kind; a bar is a button that selects its items. */

import { createElement } from "./dom.js";
import { MODALITIES, MODALITY_PLURALS } from "./modality_style.js";
import { formatCount } from "./text_format.js";

const MAX_BARS = 60; // of days or months; more of them are drawn as years

/**
 * @typedef {import("./api_types.js").Item} Item
 * @typedef {{period: string, items: Item[]}} Period
 */

/**
 * Items by period: days, months or years, whichever is the finest that leaves at most MAX_BARS bars.
 * @param {Item[]} items
 * @returns {Period[]}
 */
export function groupByPeriod(items) {
  const dated = items.filter((item) => item.date !== null);
  for (const length of ["2024-05-31".length, "2024-05".length, "2024".length]) {
    /** @type {Map<string, Item[]>} */
    const groups = new Map();
    for (const item of dated) {
      const period = /** @type {string} */ (item.date).slice(0, length);
      groups.set(period, [...(groups.get(period) ?? []), item]);
    }
    if (groups.size <= MAX_BARS || length === 4) {
      return [...groups].sort().map(([period, members]) => ({ period, items: members }));
    }
  }
  return [];
}

export class Timeline {
  /**
   * @param {HTMLElement} list
   * @param {(period: Period | null) => void} onSelect
   */
  constructor(list, onSelect) {
    this.list = list;
    this.onSelect = onSelect;
  }

  /**
   * @param {Item[]} items
   */
  show(items) {
    const periods = groupByPeriod(items);
    const most = Math.max(1, ...periods.map((period) => period.items.length));
    this.list.replaceChildren(...periods.map((period) => createElement("li", {}, this.#createBar(period, most))));
  }

  /**
   * @param {Period} period
   * @param {number} most
   */
  #createBar(period, most) {
    const label = `${period.period}: ${formatCount(period.items.length, "items")}`;
    const parts = MODALITIES.map((modality) => {
      const count = period.items.filter((item) => item.modality === modality).length;
      const part = createElement("span", { class: "bar-part", "data-modality": modality, title: `${count} ${MODALITY_PLURALS[modality]}` });
      part.style.height = `${(100 * count) / most}%`;
      return part;
    });
    const attributes = { type: "button", "aria-label": label, title: label, "aria-pressed": "false" };
    const bar = createElement("button", { ...attributes, onclick: () => this.#toggle(bar, period) }, ...parts, createElement("span", { class: "bar-label" }, period.period));
    return bar;
  }

  /**
   * @param {HTMLButtonElement} bar
   * @param {Period} period
   */
  #toggle(bar, period) {
    const isPressed = bar.getAttribute("aria-pressed") === "true";
    this.clear();
    bar.setAttribute("aria-pressed", String(!isPressed));
    this.onSelect(isPressed ? null : period);
  }

  clear() {
    for (const bar of this.list.querySelectorAll("button")) bar.setAttribute("aria-pressed", "false");
  }
}
