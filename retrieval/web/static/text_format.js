/** Values as people read them. */

/**
 * @param {string} path
 */
export function getFileName(path) {
  return path.split("/").pop() || path;
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
 * @param {import("./api_types.js").Affect} affect
 */
export function formatAffect(affect) {
  const valence = `valence ${formatSigned(affect.valence)} ± ${affect.valence_sd.toFixed(2)}`;
  return `${valence}, arousal ${formatSigned(affect.arousal)} ± ${affect.arousal_sd.toFixed(2)}`;
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
