/** The waveform of a sound with a segment of it marked, and where it plays. */

import { fetchJson } from "./api_client.js";
import { createElement, createIcon } from "./dom.js";
import { getColour } from "./modality_style.js";

/**
 * @typedef {{peaks: number[], seconds: number}} Waveform
 * @typedef {{start: number | null, end: number | null}} Span
 */

/** @type {Map<string, Promise<Waveform>>} */
const waveformById = new Map();

/**
 * @param {string} id
 * @returns {Promise<Waveform>}
 */
function fetchWaveform(id) {
  const known = waveformById.get(id);
  if (known) return known;
  const waveform = fetchJson(`/api/items/${encodeURIComponent(id)}/waveform`);
  waveformById.set(id, waveform);
  waveform.catch(() => waveformById.delete(id));
  return waveform;
}

/**
 * A canvas that draws itself when it has a size; an icon where the sound has no waveform.
 * @param {string} id
 * @param {Span} span
 */
export function createWaveform(id, span) {
  const canvas = createElement("canvas", { class: "waveform", "aria-hidden": "true" });
  fetchWaveform(id).then(
    (waveform) => new ResizeObserver(() => drawWaveform(canvas, waveform, span)).observe(canvas),
    () => canvas.replaceWith(createIcon("audio")),
  );
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Waveform} waveform
 * @param {Span} span
 */
function drawWaveform(canvas, { peaks, seconds }, { start, end }) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const pen = canvas.getContext("2d");
  if (!pen || !width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  pen.scale(ratio, ratio);
  const count = Math.min(peaks.length, Math.floor(width / 3));
  const loudest = Math.max(...peaks, 1e-6);
  pen.fillStyle = getColour("audio");
  for (let bar = 0; bar < count; bar++) {
    const from = Math.floor((bar * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count));
    const peak = Math.max(...peaks.slice(from, to)) / loudest;
    const at = ((bar + 0.5) / count) * seconds;
    pen.globalAlpha = start === null || end === null || (at >= start && at <= end) ? 1 : 0.3;
    const tall = Math.max(2, peak * (height - 12));
    pen.fillRect((bar * width) / count, (height - tall) / 2, Math.max(1, width / count - 1), tall);
  }
}
