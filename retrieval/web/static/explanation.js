/** Why a result was found: scores by space, what was seen and heard, faces, and its mood with its uncertainty. */

import { createAffectFigure } from "./affect_figure.js";
import { createElement } from "./dom.js";
import { isCertain } from "./recognised_terms.js";
import { createBar, createSpaceBars } from "./score_bars.js";
import { capitalise, formatAffect, formatSeconds } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").Result} Result
 * @typedef {import("./api_types.js").ItemDetails} ItemDetails
 * @typedef {import("./api_types.js").Point} Point
 */

/** What the mood was read from. @type {Record<string, string>} */
const SENSE_NAMES = { image: "the picture", sound: "the sound", face: "faces", text: "words" };
const MAX_TERMS = 4; // labels or events shown

/**
 * @param {Result} result
 * @param {ItemDetails} details
 * @param {Point | null} target  the mood searched for
 */
export function createExplanation(result, details, target) {
  const { why } = result;
  return createElement(
    "div",
    { class: "explanation" },
    result.summary ? createElement("p", { class: "summary" }, capitalise(result.summary)) : null,
    createSection("Why it was found", createSpaceBars(result.spaces, result.mood)),
    why ? createTerms("shows", why.labels) : null,
    why ? createTerms("sounds like", why.events) : null,
    why && why.moment !== null ? createSection("Strongest at", createElement("p", {}, formatSeconds(why.moment))) : null,
    createMood(result, details, target),
    why ? createScoreParts(why.parts) : null,
  );
}

/**
 * The part of an explanation that needs no search: what an item shows, sounds like, and its mood.
 * @param {ItemDetails} details
 */
export function createDescription(details) {
  const affect = details.segments.find((segment) => segment.affect)?.affect ?? null;
  const { modality } = details;
  return createElement(
    "div",
    { class: "explanation" },
    createTerms("shows", details.labels),
    createTerms("sounds like", details.events),
    createMood({ affect, modality }, details, null),
  );
}

/**
 * @param {string} heading
 * @param {...(Node | null)} content
 */
function createSection(heading, ...content) {
  return createElement("section", {}, createElement("h3", {}, heading), ...content);
}

/**
 * @param {string} verb
 * @param {[string, number][]} [terms]  the surest first
 */
function createTerms(verb, terms = []) {
  if (!terms.length) return null;
  const heading = isCertain(terms[0]) ? `It ${verb}` : `Not sure what it ${verb}`;
  const rows = terms.slice(0, MAX_TERMS).map(([name, score]) =>
    createElement(
      "div",
      {},
      createElement("dt", {}, name),
      createElement("dd", {}, createBar(score), createElement("span", { class: "value" }, score.toFixed(2))),
    ),
  );
  return createSection(heading, createElement("dl", { class: "space-bars" }, ...rows));
}

/**
 * @param {Pick<Result, "affect" | "modality" | "why">} result
 * @param {ItemDetails} details
 * @param {Point | null} target
 */
function createMood({ affect, modality, why }, details, target) {
  if (!affect) return createSection("Its mood", createElement("p", { class: "hint" }, "Nothing in it says how it feels."));
  const course = details.segments.flatMap((segment) => segment.affect ?? []);
  const senses = Object.entries(why?.affect ?? {}).map(([sense, estimate]) => {
    const value = estimate ? formatAffect(estimate) : "abstains";
    return createElement("div", {}, createElement("dt", {}, SENSE_NAMES[sense] ?? sense), createElement("dd", {}, value));
  });
  return createSection(
    "Its mood",
    createAffectFigure(affect, modality, { target, course }),
    createElement("p", {}, `${capitalise(formatAffect(affect))} (one standard deviation)`),
    senses.length ? createElement("dl", { class: "senses" }, ...senses) : null,
    why?.affect_events?.length ? createElement("p", { class: "hint" }, describeEvents(why.affect_events)) : null,
  );
}

/**
 * What the affect of a sound comes from that is neither speech nor music.
 *
 * @param {NonNullable<Result["why"]>["affect_events"]} events  the largest share first
 */
function describeEvents(events) {
  const shares = events.map(({ name, share }) => `${name} ${Math.round(100 * share)} %`);
  return `Of the sound, by what is heard: ${shares.join(", ")}.`;
}

/**
 * @param {NonNullable<Result["why"]>["parts"]} parts
 */
function createScoreParts(parts) {
  const added = Object.entries(parts.sum ?? {}).map(([name, value]) => [name, `+ ${value.toFixed(2)}`]);
  const denied = Object.entries(parts.not ?? {}).map(([name, value]) => [`not ${name}`, `× (1 − ${value.toFixed(2)})`]);
  const rows = [...added, ...denied].map(([name, value]) =>
    createElement("div", {}, createElement("dt", {}, name), createElement("dd", {}, value)),
  );
  return createElement(
    "details",
    {},
    createElement("summary", {}, "How the score adds up"),
    createElement("dl", { class: "senses" }, ...rows),
  );
}
