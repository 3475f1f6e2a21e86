/** Outlines of the faces from which a mood was read; one that was read with more confidence has a stronger outline. */

import { createElement } from "./dom.js";

/**
 * @param {import("./api_types.js").FaceBox[]} faces
 */
export function createFaceOutlines(faces) {
  return faces.map(({ x, y, width, height, confidence }) => {
    const outline = createElement("span", { class: "face-outline", title: "a face that the mood was read from" });
    const [left, top, wide, high] = [x, y, width, height].map((share) => `${100 * share}%`);
    Object.assign(outline.style, { left, top, width: wide, height: high, opacity: String(0.4 + 0.6 * confidence) });
    return outline;
  });
}
