/** Outlines of faces over a picture; a face that moved the estimate of its mood more has a stronger outline. */

import { createElement } from "./dom.js";

/**
 * left, top, width and height as shares of the picture; weight in [0, 1]: how much it moved the estimate
 * @typedef {{box: [number, number, number, number], weight?: number}} FaceBox
 */

/**
 * @param {FaceBox[]} faces
 */
export function createFaceOutlines(faces) {
  return faces.map(({ box: [left, top, width, height], weight }) => {
    const outline = createElement("span", { class: "face-outline", title: "a face that the mood was read from" });
    Object.assign(outline.style, {
      left: `${100 * left}%`,
      top: `${100 * top}%`,
      width: `${100 * width}%`,
      height: `${100 * height}%`,
    });
    outline.style.opacity = String(0.4 + 0.6 * (weight ?? 1));
    return outline;
  });
}
