/** Scores of the spaces as bars; a space that has nothing to say of a result is named as abstaining. */

import { createElement } from "./dom.js";
import { describeSpace } from "./display_names.js";

/**
 * @param {number | null} value  in [0, 1]
 * @param {string} [label]  for screen readers; without one the bar is hidden from them
 */
export function createBar(value, label) {
  const fill = createElement("span", { class: "bar-fill" });
  fill.style.width = `${Math.round(100 * Math.max(0, Math.min(1, value ?? 0)))}%`;
  const access = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return createElement("span", { class: "bar", ...access }, fill);
}

/**
 * Rows of a space, its bar and its score.
 * @param {Record<string, number | null>} spaces
 * @param {number | null} mood
 */
export function createSpaceBars(spaces, mood) {
  const rows = Object.entries(spaces).map(([space, score]) => createRow(describeSpace(space), score));
  if (mood !== null) rows.push(createRow("Its mood", mood));
  return createElement("dl", { class: "space-bars" }, ...rows);
}

/**
 * @param {string} name
 * @param {number | null} score
 */
function createRow(name, score) {
  const value = score === null ? "abstains" : score.toFixed(2);
  return createElement(
    "div",
    { class: score === null ? "abstains" : null },
    createElement("dt", {}, name),
    createElement("dd", {}, createBar(score), createElement("span", { class: "value" }, value)),
  );
}
