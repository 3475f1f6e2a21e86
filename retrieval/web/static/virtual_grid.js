/**
 * A grid of cards of one height of which only those near the window are in the page, so that 10,000 scroll like ten.
 * The window scrolls. One card is in the order of Tab at a time; arrow keys, Home and End move among all.
 */

import { createElement } from "./dom.js";
import { FrameRequest } from "./frame_request.js";

const EXTRA_ROWS = 2; // above and below the window

/**
 * @typedef {object} GridOptions
 * @property {(index: number) => HTMLElement} createCard
 * @property {(index: number) => string} getId  of what a card shows, by which the focus stays with it
 * @property {(width: number) => number} getMinWidth  of a card, by the width of the list, in pixels
 * @property {number} cardHeight  pixels
 * @property {number} gap  pixels
 * @property {() => void} [onNearEnd]
 */

export class VirtualGrid {
  /** @type {Map<number, HTMLElement>} */
  #cells = new Map();
  #count = 0;
  #columns = 1;
  #active = 0;
  #frame = new FrameRequest(() => this.#render());

  /**
   * @param {HTMLElement} list
   * @param {GridOptions} options
   */
  constructor(list, options) {
    this.list = list;
    this.options = options;
    list.addEventListener("keydown", (event) => this.#moveByKey(event));
    list.addEventListener("focusin", (event) => this.#followFocus(event));
    new ResizeObserver(() => this.refresh()).observe(list);
    new ResizeObserver(() => this.#frame.schedule()).observe(document.body); // what is above the list opens or closes
    addEventListener("scroll", () => this.#frame.schedule(), { passive: true });
    addEventListener("resize", () => this.#frame.schedule());
  }

  /**
   * @param {number} count
   * @param {number} [unchanged]  how many of the first cards are as they were, and stay
   */
  setCount(count, unchanged = 0) {
    const focus = this.#findFocus();
    this.#count = count;
    this.#active = Math.min(this.#active, Math.max(0, count - 1));
    for (const [index, cell] of this.#cells) {
      if (index < unchanged) continue;
      cell.remove();
      this.#cells.delete(index);
    }
    this.refresh();
    if (focus && !this.list.contains(document.activeElement)) this.#restoreFocus(focus);
  }

  /** Which control of which card has the focus; null where it is elsewhere. */
  #findFocus() {
    for (const [index, cell] of this.#cells) {
      const control = listControls(cell).findIndex((other) => other === document.activeElement);
      if (control >= 0) return { index, control, id: cell.dataset.id };
    }
    return null;
  }

  /**
   * Focuses the same card again, or the one in its place where it is gone.
   * @param {{index: number, control: number, id: string | undefined}} focus
   */
  #restoreFocus({ index, control, id }) {
    const { getId } = this.options;
    const same = Array.from({ length: this.#count }, (_, at) => at).find((at) => getId(at) === id);
    if (!this.#count) this.list.focus();
    else if (same !== undefined) this.focusCard(same, control);
    else this.focusCard(Math.min(index, this.#count - 1));
  }

  resetFocus() {
    this.#active = 0;
  }

  /**
   * The card with an index; undefined where it is not in the page now.
   * @param {number} index
   */
  getCard(index) {
    return this.#cells.get(index)?.firstElementChild ?? undefined;
  }

  refresh() {
    const { getMinWidth, cardHeight, gap } = this.options;
    const width = this.list.clientWidth;
    if (!width) return;
    const minWidth = getMinWidth(width);
    this.#columns = Math.max(1, Math.floor((width + gap) / (minWidth + gap)));
    const rows = Math.ceil(this.#count / this.#columns);
    this.list.style.height = `${Math.max(0, rows * (cardHeight + gap) - gap)}px`;
    this.#render();
  }

  #render() {
    if (!this.list.clientWidth) return;
    const [first, end] = this.#findRange();
    for (const [index, cell] of this.#cells) {
      const isFocused = index === this.#active && cell.contains(document.activeElement);
      if ((index < first || index >= end) && !isFocused) {
        cell.remove();
        this.#cells.delete(index);
      }
    }
    for (let index = first; index < end; index++) this.#place(index);
    if (end === this.#count && this.#count) this.options.onNearEnd?.();
  }

  /** First index and end of the cards that are in or near the window. */
  #findRange() {
    const rowHeight = this.options.cardHeight + this.options.gap;
    const top = -this.list.getBoundingClientRect().top;
    const firstRow = Math.max(0, Math.floor(top / rowHeight) - EXTRA_ROWS);
    const endRow = Math.ceil((top + innerHeight) / rowHeight) + EXTRA_ROWS;
    return [firstRow * this.#columns, Math.min(this.#count, endRow * this.#columns)].map((end) => Math.min(this.#count, end));
  }

  /**
   * @param {number} index
   */
  #place(index) {
    let cell = this.#cells.get(index);
    if (!cell) {
      cell = createElement("li", { "aria-posinset": index + 1, "data-id": this.options.getId(index) }, this.options.createCard(index));
      this.#setTabbable(cell, index === this.#active);
      this.#insert(index, cell);
    }
    const { cardHeight, gap } = this.options;
    const width = (this.list.clientWidth - gap * (this.#columns - 1)) / this.#columns;
    const [column, row] = [index % this.#columns, Math.floor(index / this.#columns)];
    cell.setAttribute("aria-setsize", String(this.#count));
    Object.assign(cell.style, { width: `${width}px`, height: `${cardHeight}px` });
    cell.style.transform = `translate(${column * (width + gap)}px, ${row * (cardHeight + gap)}px)`;
  }

  /**
   * Keeps the order of the page that of the results, for Tab and screen readers.
   * @param {number} index
   * @param {HTMLElement} cell
   */
  #insert(index, cell) {
    const later = [...this.#cells.keys()].filter((other) => other > index);
    const next = later.length ? this.#cells.get(Math.min(...later)) : null;
    this.list.insertBefore(cell, next ?? null);
    this.#cells.set(index, cell);
  }

  /**
   * @param {HTMLElement} cell
   * @param {boolean} isTabbable
   */
  #setTabbable(cell, isTabbable) {
    for (const control of listControls(cell)) control.tabIndex = isTabbable ? 0 : -1;
  }

  /**
   * @param {FocusEvent} event
   */
  #followFocus(event) {
    for (const [index, cell] of this.#cells) if (cell.contains(/** @type {Node} */ (event.target))) this.#activate(index);
  }

  /**
   * @param {number} index
   */
  #activate(index) {
    if (index === this.#active) return;
    const previous = this.#cells.get(this.#active);
    this.#active = index;
    if (previous) this.#setTabbable(previous, false);
    const cell = this.#cells.get(index);
    if (cell) this.#setTabbable(cell, true);
  }

  /**
   * @param {KeyboardEvent} event
   */
  #moveByKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/** @type {HTMLElement} */ (event.target).matches("input, select, textarea")) return;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: this.#active - 1,
      ArrowRight: this.#active + 1,
      ArrowUp: this.#active - this.#columns,
      ArrowDown: this.#active + this.#columns,
      Home: 0,
      End: this.#count - 1,
    };
    const target = targets[event.key];
    if (target === undefined || target < 0 || target >= this.#count) return;
    event.preventDefault();
    this.focusCard(target);
  }

  /**
   * Scrolls to a card and focuses it.
   * @param {number} index
   * @param {number} [control]  of the card
   */
  focusCard(index, control = 0) {
    if (!this.#count) return;
    if (!this.#cells.has(index)) this.#place(index);
    this.#activate(index);
    const cell = /** @type {HTMLElement} */ (this.#cells.get(index));
    cell.scrollIntoView({ block: "nearest" });
    const controls = listControls(cell);
    (controls[control] ?? controls[0])?.focus({ preventScroll: true });
    this.#frame.schedule();
  }

  get activeIndex() {
    return this.#active;
  }
}

/**
 * @param {HTMLElement} cell
 * @returns {HTMLElement[]}
 */
function listControls(cell) {
  return [...cell.querySelectorAll("button, a[href], input")].map((control) => /** @type {HTMLElement} */ (control));
}
