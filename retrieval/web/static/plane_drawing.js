/** Drawing of the valence-arousal plane on a canvas: axes, words, density, dots, ellipses, and what is searched for. */

import { isUncertain } from "./affect_certainty.js";
import { getColour } from "./modality_style.js";
import { drawDensity } from "./plane_density.js";

/**
 * @typedef {import("./plane_view.js").PlaneView} PlaneView
 * @typedef {import("./api_types.js").Point} Point
 * @typedef {import("./api_types.js").Affect} Affect
 * @typedef {{id: string, name: string, modality: string, valence: number, arousal: number, valence_sd: number, arousal_sd: number}} PlottedItem
 * @typedef {{pen: CanvasRenderingContext2D, view: PlaneView, ink: string, soft: string, line: string, accent: string, card: string}} Sheet
 */

const MAX_DOTS = 1500; // more items than this are drawn as a density

/**
 * Sizes a canvas to its box and clears it.
 * @param {HTMLCanvasElement} canvas
 * @param {PlaneView} view
 * @returns {Sheet}
 */
export function startSheet(canvas, view) {
  const ratio = devicePixelRatio || 1;
  view.width = canvas.clientWidth;
  view.height = canvas.clientHeight;
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(view.height * ratio);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const [ink, soft, line, accent, card] = ["ink", "soft", "line", "accent", "card"].map((name) =>
    style.getPropertyValue(`--${name}`).trim(),
  );
  return { pen, view, ink, soft, line, accent, card };
}

/**
 * The frame, both axes and their names.
 * @param {Sheet} sheet
 */
export function drawAxes({ pen, view, line, soft }) {
  const [left, right, top, bottom] = [view.getX(-1), view.getX(1), view.getY(1), view.getY(-1)];
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  pen.strokeRect(left, top, right - left, bottom - top);
  pen.beginPath();
  pen.arc(view.getX(0), view.getY(0), view.scale, 0, 2 * Math.PI);
  for (const [fromX, fromY, toX, toY] of [
    [left, view.getY(0), right, view.getY(0)],
    [view.getX(0), top, view.getX(0), bottom],
  ]) {
    pen.moveTo(fromX, fromY);
    pen.lineTo(toX, toY);
  }
  pen.stroke();
  pen.fillStyle = soft;
  pen.font = "11px system-ui, sans-serif";
  writeAt(pen, "pleasant", Math.min(right, view.width) - 5, view.getY(0) - 8, "right");
  writeAt(pen, "unpleasant", Math.max(left, 0) + 5, view.getY(0) - 8, "left");
  writeAt(pen, "aroused", view.getX(0) + 5, Math.max(top, 0) + 9, "left");
  writeAt(pen, "calm, tired", view.getX(0) + 5, Math.min(bottom, view.height) - 9, "left");
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {CanvasTextAlign} align
 */
function writeAt(pen, text, x, y, align) {
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.fillText(text, x, y);
}

/**
 * Mood words; one that would cover another is left out.
 * @param {Sheet} sheet
 * @param {{word: string, valence: number, arousal: number}[]} landmarks
 */
export function drawWords({ pen, view, ink, card }, landmarks) {
  pen.font = "12px system-ui, sans-serif";
  /** @type {{x: number, y: number, half: number}[]} */
  const taken = [];
  for (const { word, valence, arousal } of landmarks) {
    const half = pen.measureText(word).width / 2 + 4;
    const x = Math.min(view.width - half, Math.max(half, view.getX(valence)));
    const y = view.getY(arousal);
    if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 17)) continue;
    taken.push({ x, y, half });
    pen.lineWidth = 3;
    pen.strokeStyle = card;
    pen.globalAlpha = 0.75;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.strokeText(word, x, y);
    pen.fillStyle = ink;
    pen.fillText(word, x, y);
  }
  pen.globalAlpha = 1;
}

/**
 * Items as dots, or as a density where they are many.
 * @param {Sheet} sheet
 * @param {PlottedItem[]} items
 * @param {number} strength  0 to 1, lower where others are to stand out
 */
export function drawItems(sheet, items, strength) {
  const { view } = sheet;
  const seen = items.filter((item) => isInView(view, item));
  if (seen.length > MAX_DOTS) drawDensity(sheet, seen, strength);
  else drawDots(sheet, seen, Math.max(2, Math.min(4, 90 / Math.sqrt(seen.length + 1))), 0.65 * strength);
}

/**
 * @param {PlaneView} view
 * @param {Point} point
 */
function isInView(view, point) {
  const [x, y] = [view.getX(point.valence), view.getY(point.arousal)];
  return x > -6 && x < view.width + 6 && y > -6 && y < view.height + 6;
}

/**
 * Dots; a ring where little is known.
 * @param {Sheet} sheet
 * @param {PlottedItem[]} items
 * @param {number} radius  pixels
 * @param {number} alpha
 */
export function drawDots({ pen, view }, items, radius, alpha) {
  pen.globalAlpha = alpha;
  for (const item of items) {
    pen.beginPath();
    pen.arc(view.getX(item.valence), view.getY(item.arousal), radius, 0, 2 * Math.PI);
    pen.fillStyle = pen.strokeStyle = getColour(item.modality);
    pen.lineWidth = 1;
    if (isUncertain(item)) pen.stroke();
    else pen.fill();
  }
  pen.globalAlpha = 1;
}

/**
 * Results among the items: larger, with a rim, hollow where little is known; the first are drawn over the others.
 * @param {Sheet} sheet
 * @param {PlottedItem[]} items
 * @param {number[]} [radii]  pixels, by item
 */
export function drawResults({ pen, view, card }, items, radii = []) {
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    pen.beginPath();
    pen.arc(view.getX(item.valence), view.getY(item.arousal), radii[index] ?? 4.5, 0, 2 * Math.PI);
    const [fill, rim] = isUncertain(item) ? [card, getColour(item.modality)] : [getColour(item.modality), card];
    pen.fillStyle = fill;
    pen.strokeStyle = rim;
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
  }
}

/**
 * One standard deviation around an estimate.
 * @param {Sheet} sheet
 * @param {Affect} affect
 * @param {string} modality
 */
export function drawEllipse({ pen, view }, affect, modality) {
  const radii = [affect.valence_sd * view.scale, affect.arousal_sd * view.scale];
  pen.beginPath();
  pen.ellipse(view.getX(affect.valence), view.getY(affect.arousal), radii[0], radii[1], 0, 0, 2 * Math.PI);
  pen.fillStyle = pen.strokeStyle = getColour(modality);
  pen.globalAlpha = 0.18;
  pen.fill();
  pen.globalAlpha = 0.8;
  pen.lineWidth = 1;
  pen.stroke();
  pen.globalAlpha = 1;
}

/**
 * The point searched for, with its radius.
 * @param {Sheet} sheet
 * @param {Point} point
 * @param {number} radius
 */
export function drawTarget({ pen, view, accent, card }, point, radius) {
  const [x, y] = [view.getX(point.valence), view.getY(point.arousal)];
  if (radius) {
    pen.beginPath();
    pen.arc(x, y, radius * view.scale, 0, 2 * Math.PI);
    pen.fillStyle = accent;
    pen.globalAlpha = 0.12;
    pen.fill();
    pen.globalAlpha = 1;
    pen.setLineDash([5, 4]);
    pen.strokeStyle = accent;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.setLineDash([]);
  }
  pen.beginPath();
  pen.arc(x, y, 8, 0, 2 * Math.PI);
  pen.strokeStyle = card;
  pen.lineWidth = 5;
  pen.stroke();
  pen.strokeStyle = accent;
  pen.lineWidth = 2.5;
  pen.stroke();
}

/**
 * A course from point to point, with an arrow at its end.
 * @param {Sheet} sheet
 * @param {Point[]} points
 * @param {string} [colour]
 */
export function drawCourse({ pen, view, accent, card }, points, colour = accent) {
  const pixels = points.map((point) => [view.getX(point.valence), view.getY(point.arousal)]);
  if (pixels.length < 2) return;
  for (const [width, stroke] of /** @type {[number, string][]} */ ([[5, card], [2.5, colour]])) {
    pen.beginPath();
    pixels.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.lineWidth = width;
    pen.strokeStyle = stroke;
    pen.lineJoin = "round";
    pen.stroke();
  }
  const [[fromX, fromY], [toX, toY]] = pixels.slice(-2);
  const angle = Math.atan2(toY - fromY, toX - fromX);
  pen.beginPath();
  pen.moveTo(toX + 5 * Math.cos(angle), toY + 5 * Math.sin(angle));
  for (const turn of [2.6, -2.6]) pen.lineTo(toX + 11 * Math.cos(angle + turn), toY + 11 * Math.sin(angle + turn));
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
}
