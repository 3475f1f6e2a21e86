/** A small plane with one result: its estimate, one standard deviation around it, its course, and the mood asked for. */

import { createElement } from "./dom.js";
import { getColour } from "./modality_style.js";
import { drawAxes, drawCourse, drawEllipse, drawResults, drawTarget, startSheet } from "./plane_drawing.js";
import { PlaneView } from "./plane_view.js";
import { formatAffect } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").Affect} Affect
 * @typedef {import("./api_types.js").Point} Point
 */

/**
 * @param {Affect} affect
 * @param {string} modality
 * @param {{target: Point | null, course: Point[]}} context  the mood searched for; segments over time
 */
export function createAffectFigure(affect, modality, { target, course }) {
  const label = `On the mood plane: ${formatAffect(affect)}`;
  const canvas = createElement("canvas", { class: "affect-figure", role: "img", "aria-label": label });
  const view = new PlaneView();
  new ResizeObserver(() => {
    const sheet = startSheet(canvas, view);
    drawAxes(sheet);
    drawEllipse(sheet, affect, modality);
    drawCourse(sheet, course, getColour(modality));
    drawResults(sheet, [{ id: "", name: "", modality, ...affect }]);
    if (target) drawTarget(sheet, target, 0);
  }).observe(canvas);
  return canvas;
}
