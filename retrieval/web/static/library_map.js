/**
 * The library on the plane with zoom and selection: drag selects a rectangle, with Shift (or two fingers) moves.
 * "select" follows a selection, with the ids in it; null for none.
 */

import { FrameRequest } from "./frame_request.js";
import { drawAxes, drawItems, drawResults, drawWords, startSheet } from "./plane_drawing.js";
import { PlaneTooltip } from "./plane_tooltip.js";
import { PlaneView } from "./plane_view.js";

const DRAG_PIXELS = 6;
const ZOOM_STEP = 1.4;
const PAN_PIXELS = 40;

/**
 * @typedef {import("./plane_drawing.js").PlottedItem} PlottedItem
 * @typedef {{x: number, y: number, toX: number, toY: number, isPan: boolean}} Drag
 */

export class LibraryMap extends EventTarget {
  view = new PlaneView();
  /** @type {PlottedItem[]} */
  #items = [];
  /** @type {{word: string, valence: number, arousal: number}[]} */
  #landmarks = [];
  /** @type {Set<string> | null} */
  #selected = null;
  /** @type {Drag | null} */
  #drag = null;
  #frame = new FrameRequest(() => this.#paint());

  /**
   * @param {HTMLCanvasElement} canvas
   */
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.tooltip = new PlaneTooltip(canvas, this.view);
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#release());
    canvas.addEventListener("wheel", (event) => this.#zoomByWheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#handleKey(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /**
   * @param {PlottedItem[]} items
   * @param {{word: string, valence: number, arousal: number}[]} landmarks
   */
  show(items, landmarks) {
    this.#items = items;
    this.#landmarks = landmarks;
    this.tooltip.setItems(items);
    this.draw();
  }

  /**
   * @param {number} steps  in if positive
   */
  zoomBy(steps) {
    this.view.zoomAt(ZOOM_STEP ** steps);
    this.draw();
  }

  reset() {
    this.view.reset();
    this.select(null);
  }

  /**
   * @param {Set<string> | null} ids
   */
  select(ids) {
    this.#selected = ids;
    this.draw();
    this.dispatchEvent(new CustomEvent("select", { detail: ids }));
  }

  draw() {
    this.#frame.schedule();
  }

  #paint() {
    if (!this.canvas.clientWidth) return;
    const sheet = startSheet(this.canvas, this.view);
    const selected = this.#selected;
    drawAxes(sheet);
    drawItems(sheet, this.#items, selected ? 0.35 : 1);
    drawWords(sheet, this.#landmarks);
    if (selected) drawResults(sheet, this.#items.filter((item) => selected.has(item.id)));
    if (this.#drag && !this.#drag.isPan) this.#drawRectangle(sheet.pen, sheet.accent, this.#drag);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {string} colour
   * @param {Drag} drag
   */
  #drawRectangle(pen, colour, { x, y, toX, toY }) {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.globalAlpha = 0.12;
    pen.fillRect(x, y, toX - x, toY - y);
    pen.globalAlpha = 1;
    pen.strokeRect(x, y, toX - x, toY - y);
  }

  /**
   * @param {PointerEvent} event
   */
  #press(event) {
    const { offsetX: x, offsetY: y } = event;
    this.#drag = { x, y, toX: x, toY: y, isPan: event.shiftKey || event.button === 1 };
    this.canvas.setPointerCapture(event.pointerId);
  }

  /**
   * @param {PointerEvent} event
   */
  #move(event) {
    if (!this.#drag) return;
    if (this.#drag.isPan) this.view.moveBy(event.offsetX - this.#drag.toX, event.offsetY - this.#drag.toY);
    this.#drag.toX = event.offsetX;
    this.#drag.toY = event.offsetY;
    this.draw();
  }

  #release() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag || drag.isPan) return;
    const isDrag = Math.hypot(drag.toX - drag.x, drag.toY - drag.y) > DRAG_PIXELS;
    this.select(isDrag ? this.#findInside(drag) : null);
  }

  /**
   * @param {Drag} drag
   */
  #findInside({ x, y, toX, toY }) {
    const [left, right, top, bottom] = [Math.min(x, toX), Math.max(x, toX), Math.min(y, toY), Math.max(y, toY)];
    const inside = this.#items.filter((item) => {
      const [itemX, itemY] = [this.view.getX(item.valence), this.view.getY(item.arousal)];
      return itemX >= left && itemX <= right && itemY >= top && itemY <= bottom;
    });
    return new Set(inside.map((item) => item.id));
  }

  /**
   * The wheel scrolls the page; with Ctrl, as a touchpad's pinch has it, it zooms.
   * @param {WheelEvent} event
   */
  #zoomByWheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.view.zoomAt(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY);
    this.draw();
  }

  /**
   * @param {KeyboardEvent} event
   */
  #handleKey(event) {
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => this.view.moveBy(PAN_PIXELS, 0),
      ArrowRight: () => this.view.moveBy(-PAN_PIXELS, 0),
      ArrowUp: () => this.view.moveBy(0, PAN_PIXELS),
      ArrowDown: () => this.view.moveBy(0, -PAN_PIXELS),
      "+": () => this.zoomBy(1),
      "=": () => this.zoomBy(1),
      "-": () => this.zoomBy(-1),
      Enter: () => this.#selectVisible(),
      Escape: () => this.reset(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    this.draw();
  }

  #selectVisible() {
    this.select(this.#findInside({ x: 0, y: 0, toX: this.view.width, toY: this.view.height, isPan: false }));
  }
}
