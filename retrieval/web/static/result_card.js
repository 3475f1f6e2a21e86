/** A result as a card: its preview, name, one line that says why, and what to do from here. */

import { createElement, createIcon, createIconButton } from "./dom.js";
import { getNoun } from "./modality_style.js";
import { createPreview } from "./preview.js";
import { createBar } from "./score_bars.js";
import { formatSpan, getFileName, toPrintable } from "./text_format.js";

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
  return createElement(
    "article",
    { class: `card ${result.group ? "duplicate" : ""}` },
    createOpenButton(result, formatSpan(result.start, result.end), actions),
    createElement(
      "div",
      { class: "card-body" },
      createElement("p", { class: "card-name", title: toPrintable(result.path) }, name),
      createElement("p", { class: "card-summary" }, result.summary ?? ""),
      createFooter(result, name, group, actions),
    ),
  );
}

/**
 * Puts the summary of a result on its card.
 * @param {Element} card
 * @param {Result} result
 */
export function showSummary(card, result) {
  const line = card.querySelector(".card-summary");
  if (line) line.textContent = result.summary ?? "";
  card.querySelector(".card-open")?.setAttribute("aria-label", describeResult(result));
}

/**
 * A result in words, for screen readers.
 * @param {Result} result
 */
function describeResult({ rank, path, modality, start, end, score, summary }) {
  const parts = [`${rank}. ${getFileName(path)}`, getNoun(modality), formatSpan(start, end), `score ${score.toFixed(2)}`, summary];
  return parts.filter(Boolean).join(", ");
}

/**
 * @param {Result} result
 * @param {string} span
 * @param {ResultActions} actions
 */
function createOpenButton(result, span, actions) {
  return createElement(
    "button",
    { type: "button", class: "card-open", "aria-label": describeResult(result), onclick: () => actions.open(result) },
    createPreview(result),
    createElement(
      "span",
      { class: "badge", "data-modality": result.modality },
      createIcon(result.modality),
      span || getNoun(result.modality),
    ),
    result.modality === "image" ? null : createElement("span", { class: "play-mark" }, createIcon("play")),
    createElement("span", { class: "card-score" }, createBar(result.score), createElement("span", {}, result.score.toFixed(2))),
  );
}

/**
 * @param {Result} result
 * @param {string} name
 * @param {{hidden: number, isExpanded: boolean}} group
 * @param {ResultActions} actions
 */
function createFooter(result, name, group, actions) {
  const fold = group.isExpanded ? ["Fold"] : [`+${group.hidden}`, createElement("span", {}, " alike")];
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
        ...fold,
      ),
  );
}
