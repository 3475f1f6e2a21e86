/**
 * The plane to search by: click for a point, drag for a point with a radius, or draw a course from start to end.
 * "pick" follows each, with `isFinal` false while the pointer is down.
 */

import { findNearestWord } from "./affect_map.js";
import { FrameRequest } from "./frame_request.js";
import { drawAxes, drawCourse, drawItems, drawResults, drawTarget, drawWords, startSheet } from "./plane_drawing.js";
import { PlaneTooltip } from "./plane_tooltip.js";
import { clamp, measureDistance, PlaneView } from "./plane_view.js";
import { formatSigned } from "./text_format.js";

const DRAG_PIXELS = 6; // a shorter way of the pointer is a click
const GRAB_PIXELS = 12;
const [MIN_DOT, MAX_DOT, MAX_DOT_OF_MANY] = [3, 7, 4.5]; // radius of a result, in pixels
const MANY_RESULTS = 30;
const [STEP, LONG_STEP, RADIUS_STEP, MIN_RADIUS] = [0.05, 0.2, 0.05, 0.05];

/**
 * @typedef {import("./api_types.js").Point} Point
 * @typedef {import("./plane_drawing.js").PlottedItem} PlottedItem
 * @typedef {{points: Point[], radius: number}} Target  no point: nothing is searched for; several: a course
 */

export class MoodPlane extends EventTarget {
  view = new PlaneView();
  /** @type {PlottedItem[]} */
  #items = [];
  /** @type {Map<string, PlottedItem>} */
  #itemById = new Map();
  /** @type {{id: string, score: number}[]} */
  #results = [];
  /** @type {{word: string, valence: number, arousal: number}[]} */
  #landmarks = [];
  /** @type {Target} */
  target = { points: [], radius: 0 };
  drawsCourse = false;
  #frame = new FrameRequest(() => this.#paint());

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} status  says where the point is
   */
  constructor(canvas, status) {
    super();
    this.canvas = canvas;
    this.status = status;
    this.tooltip = new PlaneTooltip(canvas, this.view);
    new PlanePointer(this);
    canvas.addEventListener("keydown", (event) => this.#moveByKey(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /**
   * @param {PlottedItem[]} items
   */
  setItems(items) {
    this.#items = items;
    this.#itemById = new Map(items.map((item) => [item.id, item]));
    this.draw();
  }

  /**
   * @param {{word: string, valence: number, arousal: number}[]} landmarks
   */
  setLandmarks(landmarks) {
    this.#landmarks = landmarks;
    this.setTarget(this.target);
  }

  /**
   * @param {{id: string, score: number}[]} results  by rank; a dot is larger the higher its score
   */
  setResults(results) {
    this.#results = results;
    this.draw();
  }

  /**
   * @param {Target} target
   */
  setTarget(target) {
    this.target = target;
    this.status.textContent = this.#describeTarget();
    this.draw();
  }

  /**
   * @param {Target} target
   * @param {boolean} isFinal
   */
  pick(target, isFinal) {
    const points = target.points.map(({ valence, arousal }) => ({ valence: round(valence), arousal: round(arousal) }));
    this.setTarget({ points, radius: round(target.radius) });
    this.dispatchEvent(new CustomEvent("pick", { detail: { target: this.target, isFinal } }));
  }

  draw() {
    this.#frame.schedule();
  }

  #paint() {
    if (!this.canvas.clientWidth) return;
    const sheet = startSheet(this.canvas, this.view);
    const placed = this.#results.filter(({ id }) => this.#itemById.has(id));
    const results = placed.map(({ id }) => /** @type {PlottedItem} */ (this.#itemById.get(id)));
    const best = Math.max(...placed.map(({ score }) => score), 1e-6);
    const largest = results.length > MANY_RESULTS ? MAX_DOT_OF_MANY : MAX_DOT;
    drawAxes(sheet);
    drawItems(sheet, this.#items, results.length ? 0.45 : 1);
    drawWords(sheet, this.#landmarks);
    drawResults(sheet, results, placed.map(({ score }) => MIN_DOT + (largest - MIN_DOT) * (score / best)));
    if (this.target.points.length > 1) drawCourse(sheet, this.target.points);
    if (this.target.points.length) drawTarget(sheet, this.target.points[0], this.target.radius);
    this.tooltip.setItems(results.length ? results : this.#items);
  }

  #describeTarget() {
    const places = this.target.points.map(
      (point) =>
        `valence ${formatSigned(point.valence)}, arousal ${formatSigned(point.arousal)}, ` +
        `near “${findNearestWord(this.#landmarks, point)}”`,
    );
    if (!places.length) return "";
    if (places.length > 1) return `From ${places[0]} to ${places[places.length - 1]}`;
    return this.target.radius ? `${places[0]}, within ${this.target.radius.toFixed(2)}` : places[0];
  }

  /**
   * @param {KeyboardEvent} event
   */
  #moveByKey(event) {
    const { points, radius } = this.target;
    if (event.key === "Delete" || event.key === "Backspace") this.pick({ points: [], radius: 0 }, true);
    else if (event.key === "+" || event.key === "=") this.pick({ points, radius: radius + RADIUS_STEP }, true);
    else if (event.key === "-") this.pick({ points, radius: Math.max(0, radius - RADIUS_STEP) }, true);
    else if (event.key in ARROW_STEPS) this.#stepBy(ARROW_STEPS[event.key], event.shiftKey);
    else return;
    event.preventDefault();
  }

  /**
   * Moves the point, or the end of a course; the first step starts in the middle.
   * @param {[number, number]} direction
   * @param {boolean} isLong
   */
  #stepBy([valence, arousal], isLong) {
    const step = isLong ? LONG_STEP : STEP;
    const { points, radius } = this.target;
    const last = points[points.length - 1];
    const moved = last
      ? { valence: clamp(last.valence + step * valence), arousal: clamp(last.arousal + step * arousal) }
      : { valence: 0, arousal: 0 };
    this.pick({ points: [...points.slice(0, -1), moved], radius }, true);
  }
}

/** @type {Record<string, [number, number]>} */
const ARROW_STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {number} value
 */
function round(value) {
  return Math.round(value * 100) / 100;
}

/** Turns the pointer's way on the plane into picks. */
class PlanePointer {
  /** @type {{start: Point, x: number, y: number, isDrag: boolean, isGrab: boolean} | null} */
  #press = null;

  /**
   * @param {MoodPlane} plane
   */
  constructor(plane) {
    this.plane = plane;
    const { canvas } = plane;
    canvas.addEventListener("pointerdown", (event) => this.#pressDown(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("pointercancel", () => (this.#press = null));
  }

  /**
   * @param {PointerEvent} event
   */
  #pressDown(event) {
    if (event.button !== 0) return;
    const { view, target, canvas } = this.plane;
    const start = view.getPoint(event.offsetX, event.offsetY);
    const [point] = target.points;
    const isGrab = target.points.length === 1 && measureDistance(point, start) * view.scale < GRAB_PIXELS;
    this.#press = { start, x: event.offsetX, y: event.offsetY, isDrag: false, isGrab };
    canvas.setPointerCapture(event.pointerId);
  }

  /**
   * @param {PointerEvent} event
   */
  #move(event) {
    const press = this.#press;
    if (!press) return;
    press.isDrag ||= Math.hypot(event.offsetX - press.x, event.offsetY - press.y) > DRAG_PIXELS;
    if (press.isDrag) this.plane.pick(this.#readTarget(press, event), false);
  }

  /**
   * @param {PointerEvent} event
   */
  #release(event) {
    const press = this.#press;
    if (!press) return;
    this.#press = null;
    this.plane.pick(press.isDrag ? this.#readTarget(press, event) : this.#readClick(press), true);
  }

  /**
   * A click keeps the radius of the point before; while a course is drawn, a click adds its next point.
   * @param {{start: Point}} press
   * @returns {Target}
   */
  #readClick({ start }) {
    const { drawsCourse, target } = this.plane;
    if (drawsCourse && target.points.length) return { points: [...target.points, start], radius: 0 };
    return { points: [start], radius: drawsCourse ? 0 : target.radius };
  }

  /**
   * @param {{start: Point, isGrab: boolean}} press
   * @param {PointerEvent} event
   * @returns {Target}
   */
  #readTarget({ start, isGrab }, event) {
    const { view, drawsCourse, target } = this.plane;
    const here = view.getPoint(event.offsetX, event.offsetY);
    if (drawsCourse) return { points: [start, here], radius: 0 };
    if (isGrab) return { points: [here], radius: target.radius };
    return { points: [start], radius: Math.max(MIN_RADIUS, measureDistance(start, here)) };
  }
}
