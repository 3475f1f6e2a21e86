/** Many items on the plane as a density: its hue is the mean of their colours, its opacity the log of their number. */

import { getColour } from "./modality_style.js";

const CELL = 4; // pixels
const CHANNELS = 4; // sums of red, green and blue, and the count

/**
 * @typedef {import("./plane_drawing.js").Sheet} Sheet
 * @typedef {import("./plane_drawing.js").PlottedItem} PlottedItem
 * @typedef {{columns: number, rows: number, sums: Float32Array}} Cells
 */

/**
 * @param {Sheet} sheet
 * @param {PlottedItem[]} items
 * @param {number} strength  0 to 1
 */
export function drawDensity({ pen, view }, items, strength) {
  const cells = blurCells(sumCells(view, items));
  const { columns, rows } = cells;
  const layer = new OffscreenCanvas(columns, rows);
  const layerPen = /** @type {OffscreenCanvasRenderingContext2D} */ (layer.getContext("2d"));
  layerPen.putImageData(new ImageData(shadeCells(cells, strength), columns, rows), 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(layer, 0, 0, columns * CELL, rows * CELL);
}

/**
 * @param {import("./plane_view.js").PlaneView} view
 * @param {PlottedItem[]} items
 * @returns {Cells}
 */
function sumCells(view, items) {
  const [columns, rows] = [Math.ceil(view.width / CELL), Math.ceil(view.height / CELL)];
  const sums = new Float32Array(columns * rows * CHANNELS);
  for (const item of items) {
    const column = Math.floor(view.getX(item.valence) / CELL);
    const row = Math.floor(view.getY(item.arousal) / CELL);
    if (column < 0 || row < 0 || column >= columns || row >= rows) continue;
    const at = CHANNELS * (row * columns + column);
    [...parseColour(getColour(item.modality)), 1].forEach((value, channel) => (sums[at + channel] += value));
  }
  return { columns, rows, sums };
}

/**
 * Weighs each cell with its neighbours, 1 : 2 : 1 in both directions.
 * @param {Cells} cells
 * @returns {Cells}
 */
function blurCells({ columns, rows, sums }) {
  let blurred = sums;
  for (const [step, length] of [[CHANNELS, columns], [CHANNELS * columns, rows]]) {
    const source = blurred;
    blurred = source.map((value, at) => {
      const place = Math.floor(at / step) % length;
      const before = place > 0 ? source[at - step] : 0;
      const after = place < length - 1 ? source[at + step] : 0;
      return (before + 2 * value + after) / 4;
    });
  }
  return { columns, rows, sums: blurred };
}

/**
 * @param {Cells} cells
 * @param {number} strength
 */
function shadeCells({ sums }, strength) {
  const pixels = new Uint8ClampedArray(sums.length);
  let most = 0;
  for (let at = CHANNELS - 1; at < sums.length; at += CHANNELS) most = Math.max(most, sums[at]);
  for (let at = 0; at < sums.length; at += CHANNELS) {
    const count = sums[at + CHANNELS - 1];
    if (!count) continue;
    for (let channel = 0; channel < CHANNELS - 1; channel++) pixels[at + channel] = sums[at + channel] / count;
    pixels[at + CHANNELS - 1] = 230 * strength * (Math.log1p(8 * count) / Math.log1p(8 * most));
  }
  return pixels;
}

/**
 * @param {string} colour  #rrggbb
 */
function parseColour(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}
