/** A result as a card: its preview, name, one line that says why, and what to do from here. */

import { createElement, createIcon, createIconButton } from "./dom.js";
import { getNoun } from "./modality_style.js";
import { createPreview } from "./preview.js";
import { createBar } from "./score_bars.js";
import { formatSpan, getFileName } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").Result} Result
 *
 * @typedef {object} ResultActions
 * @property {(result: Result) => void} open
 * @property {(result: Result, nudge: string | null) => void} searchLike
 * @property {(result: Result) => void} exclude
 * @property {(result: Result) => void} toggleGroup
 */

/**
 * @param {Result} result
 * @param {{hidden: number, isExpanded: boolean}} group  near-duplicates folded beneath it
 * @param {ResultActions} actions
 */
export function createResultCard(result, group, actions) {
  const name = getFileName(result.path);
  const span = formatSpan(result.start, result.end);
  return createElement(
    "article",
    { class: `card ${result.group ? "duplicate" : ""}`, "data-id": result.id },
    createOpenButton(result, name, span, actions),
    createElement(
      "div",
      { class: "card-body" },
      createElement("p", { class: "card-name", title: result.path }, name),
      createElement("p", { class: "card-summary" }, result.summary ?? ""),
      createFooter(result, name, group, actions),
    ),
  );
}

/**
 * @param {Result} result
 * @param {string} name
 * @param {string} span
 * @param {ResultActions} actions
 */
function createOpenButton(result, name, span, actions) {
  const score = result.score.toFixed(2);
  const label = [`${result.rank}. ${name}`, getNoun(result.modality), span, `score ${score}`, result.summary];
  return createElement(
    "button",
    { type: "button", class: "card-open", "aria-label": label.filter(Boolean).join(", "), onclick: () => actions.open(result) },
    createPreview(result),
    createElement(
      "span",
      { class: "badge", "data-modality": result.modality },
      createIcon(result.modality),
      span || getNoun(result.modality),
    ),
    result.modality === "image" ? null : createElement("span", { class: "play-mark" }, createIcon("play")),
    createElement("span", { class: "card-score" }, createBar(result.score), createElement("span", {}, score)),
  );
}

/**
 * @param {Result} result
 * @param {string} name
 * @param {{hidden: number, isExpanded: boolean}} group
 * @param {ResultActions} actions
 */
function createFooter(result, name, group, actions) {
  const fold = group.isExpanded ? "Fold" : `+${group.hidden} alike`;
  const foldLabel = group.isExpanded ? `Fold what is nearly the same as ${name}` : `Show ${group.hidden} more nearly the same as ${name}`;
  return createElement(
    "div",
    { class: "card-actions" },
    createIconButton("similar", `More like ${name}`, () => actions.searchLike(result, null)),
    createIconButton("calmer", `Like ${name}, but calmer`, () => actions.searchLike(result, "calmer")),
    createIconButton("brighter", `Like ${name}, but brighter`, () => actions.searchLike(result, "brighter")),
    createIconButton("exclude", `Not ${name}: leave out what is like it`, () => actions.exclude(result)),
    group.hidden > 0 &&
      createElement(
        "button",
        { type: "button", class: "fold", "aria-expanded": group.isExpanded, "aria-label": foldLabel, onclick: () => actions.toggleGroup(result) },
        fold,
      ),
  );
}
