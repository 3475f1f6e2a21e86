/** Values as people read them. */

import { isUncertain } from "./affect_certainty.js";

/** Characters that are not seen or reorder others (Unicode TR 36, 3.6), which make a name look like another. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;
/** The joiners within emoji, and after letters that they shape. */
const SHAPING = /(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\p{sc=Arab}\p{sc=Deva}\p{sc=Beng}\p{sc=Mlym}\p{sc=Sinh}])[\u200c\u200d]$/u;

/**
 * Text from files with what can't be seen written out, such as \u202e; to be shown, never to be sent.
 * @param {string} text
 */
export function toPrintable(text) {
  return text.replace(INVISIBLE, (character, at) => {
    if (SHAPING.test(text.slice(Math.max(0, at - 2), at + 1))) return character;
    return `\\u${/** @type {number} */ (character.codePointAt(0)).toString(16).padStart(4, "0")}`;
  });
}

/**
 * The last part of a path, to be shown.
 * @param {string} path
 */
export function getFileName(path) {
  return toPrintable(path.split("/").pop() || path);
}

/**
 * Minutes and seconds, such as 1:02; hours where there are any.
 * @param {number} seconds
 */
export function formatSeconds(seconds) {
  const whole = Math.round(seconds); // as summaries of results have it
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

/**
 * @param {number | null} start
 * @param {number | null} end
 */
export function formatSpan(start, end) {
  return start === null || end === null ? "" : `${formatSeconds(start)}–${formatSeconds(end)}`;
}

/**
 * A signed value of the plane, such as +0.40 or −0.25.
 * @param {number} value
 */
export function formatSigned(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

/**
 * Valence and arousal with their SDs, after "little known" where they say less than the prior.
 * @param {import("./api_types.js").Affect} affect
 */
export function formatAffect(affect) {
  const hedge = isUncertain(affect) ? "little known, " : "";
  const valence = `valence ${formatSigned(affect.valence)} ± ${affect.valence_sd.toFixed(2)}`;
  return `${hedge}${valence}, arousal ${formatSigned(affect.arousal)} ± ${affect.arousal_sd.toFixed(2)}`;
}

/**
 * @param {number} count
 * @param {string} noun  in the plural, which ends in s
 */
export function formatCount(count, noun) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun.slice(0, -1) : noun}`;
}

/**
 * How long something still takes, roughly.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/**
 * @param {string} text
 */
export function capitalise(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
