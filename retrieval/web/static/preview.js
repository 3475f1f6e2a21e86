/** The picture of an item: a preview made at index time, or the waveform of a sound. */

import { getMediaAddress, getPreviewAddress } from "./api_client.js";
import { createElement, createIcon } from "./dom.js";
import { createWaveform } from "./waveform.js";

const HOVER_MS = 250; // before a video starts to play under the pointer

/**
 * @typedef {{id: string, path: string, modality: string, start: number | null, end: number | null}} Moment  an item and
 *   the segment of it to show
 */

/**
 * @param {Moment} moment
 * @returns {HTMLElement}
 */
export function createPreview(moment) {
  const box = createElement("div", { class: `preview ${moment.modality}` });
  if (moment.modality === "audio") box.append(createWaveform(moment.id, moment));
  else box.append(createPicture(moment));
  if (moment.modality === "video") playOnHover(box, moment);
  return box;
}

/**
 * @param {Moment} moment
 */
function createPicture({ id, modality, start, end }) {
  const middle = start === null || end === null ? start : (start + end) / 2;
  const picture = createElement("img", { alt: "", loading: "lazy", src: getPreviewAddress(id, middle) });
  picture.addEventListener("error", () => picture.replaceWith(createIcon(modality)));
  return picture;
}

/**
 * Plays a video without sound from its moment while the pointer is on it, unless motion is not wanted.
 * @param {HTMLElement} box
 * @param {Moment} moment
 */
function playOnHover(box, moment) {
  let timer = 0;
  /** @type {HTMLVideoElement | null} */
  let video = null;
  box.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "mouse" || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    timer = setTimeout(() => {
      video = createElement("video", { class: "hover-video", muted: true, playsinline: true, "aria-hidden": "true" });
      video.muted = true;
      video.src = `${getMediaAddress(moment.id)}#t=${moment.start ?? 0}`;
      video.addEventListener("error", () => video?.remove());
      box.append(video);
      video.play().catch(() => video?.remove());
    }, HOVER_MS);
  });
  box.addEventListener("pointerleave", () => {
    clearTimeout(timer);
    video?.remove();
    video = null;
  });
}
