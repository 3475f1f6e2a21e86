/** Mood: the plane, the same in words, the radius, and the dial between content and mood. */

import { hasContent } from "./address_state.js";
import { createElement, findElement } from "./dom.js";
import { MoodPlane } from "./mood_plane.js";

/**
 * @typedef {import("./address_state.js").AddressState} AddressState
 * @typedef {import("./address_state.js").Query} Query
 * @typedef {import("./api_types.js").Point} Point
 */

export class MoodPanel {
  /**
   * @param {AddressState} state
   */
  constructor(state) {
    this.state = state;
    /** Whether the mood is that of the words, as the last answer says. */
    this.isNamedByText = false;
    this.plane = new MoodPlane(findElement("mood-plane"), findElement("mood-status"));
    /** @type {HTMLInputElement} */
    this.words = findElement("mood-words");
    /** @type {HTMLInputElement} */
    this.dial = findElement("dial");
    /** @type {HTMLButtonElement} */
    this.courseButton = findElement("draw-course");
    /** @type {HTMLButtonElement} */
    this.clearButton = findElement("clear-mood");
    findElement("mood-box").open = matchMedia("(min-width: 901px)").matches; // as wide as styles.css has two columns
    this.#listen();
    this.showQuery(state.query);
  }

  #listen() {
    this.plane.addEventListener("pick", (event) => this.#search(/** @type {CustomEvent} */ (event).detail));
    this.words.addEventListener("change", () => this.state.update({ mood: this.words.value, radius: "", then: [] }));
    this.dial.addEventListener("input", () => this.state.update({ affect: this.dial.value }, "affect"));
    this.dial.addEventListener("change", () => this.state.commit());
    this.clearButton.addEventListener("click", () => this.#clear());
    this.courseButton.addEventListener("click", () => this.#setCourseMode(!this.plane.drawsCourse));
  }

  /**
   * @param {boolean} isOn
   */
  #setCourseMode(isOn) {
    this.plane.drawsCourse = isOn;
    this.courseButton.setAttribute("aria-pressed", String(isOn));
    findElement("plane-hint").textContent = isOn
      ? "Drag from how it starts to how it ends, or click point after point."
      : "Click a mood; drag for a radius. Keys: arrows, + and −.";
  }

  /** Leaves out the mood; one that the words name goes by a weight of 0. */
  #clear() {
    this.state.update({ mood: "", radius: "", then: [], ...(this.isNamedByText ? { affect: "0" } : {}) });
  }

  /**
   * @param {{target: import("./mood_plane.js").Target, isFinal: boolean}} pick
   */
  #search({ target, isFinal }) {
    if (!target.points.length) {
      this.#clear();
      return;
    }
    const [mood, ...then] = target.points.map(formatPoint);
    const radius = target.radius && target.points.length === 1 ? target.radius.toFixed(2) : "";
    this.state.update({ mood: mood ?? "", radius, then }, "mood");
    if (isFinal) this.state.commit();
  }

  /**
   * @param {import("./api_types.js").Library} library
   */
  showLibrary(library) {
    this.plane.setLandmarks(library.landmarks);
    findElement("mood-list").replaceChildren(...library.moods.map((value) => createElement("option", { value })));
  }

  /**
   * @param {Query} query
   */
  showQuery(query) {
    const target = readTarget(query);
    const isPlaced = target.points.length > 0;
    if (document.activeElement !== this.words) this.words.value = isPlaced ? "" : query.mood;
    if (isPlaced || !query.mood) this.plane.setTarget(target);
    if (query.then.length > 0 !== this.plane.drawsCourse && query.then.length) this.#setCourseMode(true);
    this.clearButton.hidden = !query.mood;
    this.#showDial(query);
  }

  /**
   * @param {Query} query
   */
  #showDial(query) {
    this.dial.disabled = !hasContent(query);
    if (query.affect) this.#setDial(query.affect); // else the answer tells the weight
    const hint = this.dial.disabled && query.mood ? "Add words or a file to weigh them against the mood." : "";
    findElement("dial-hint").textContent = hint;
  }

  /**
   * @param {string} weight of the mood
   */
  #setDial(weight) {
    this.dial.value = weight;
    const percent = Math.round(100 * Number(this.dial.value)); // within its bounds
    this.dial.setAttribute("aria-valuetext", `${100 - percent} % content, ${percent} % mood`);
    findElement("dial-value").textContent = `${100 - percent} : ${percent}`;
  }

  /**
   * The place of a mood that was given in words, and its weight, as the search read them, and the results.
   * @param {import("./api_types.js").SearchAnswer} answer
   */
  showAnswer({ query, results }) {
    const course = [query.mood, ...(query.then ?? [])].filter(Array.isArray);
    const points = course.map(([valence, arousal]) => ({ valence, arousal }));
    this.plane.setTarget({ points, radius: query.radius ?? 0 });
    if (!this.state.query.affect) this.#setDial(String(query.affect ?? 0));
    this.isNamedByText = Boolean(query.mood) && !this.state.query.mood;
    this.clearButton.hidden = !query.mood;
    this.plane.setResults(results);
  }

  /** Without an answer there are no results, and nobody knows where words lie. */
  clearAnswer() {
    this.isNamedByText = false;
    this.#setDial(this.state.query.affect || "0");
    this.plane.setTarget(readTarget(this.state.query));
    this.plane.setResults([]);
  }
}

/**
 * What a query gives in numbers; no point where its mood is given in words.
 * @param {Query} query
 * @returns {import("./mood_plane.js").Target}
 */
function readTarget(query) {
  const start = parsePoint(query.mood);
  if (!start) return { points: [], radius: 0 };
  const course = query.then.map(parsePoint).filter((place) => place !== null);
  return { points: [start, ...course], radius: Number(query.radius) || 0 };
}

/**
 * @param {Point} point
 */
function formatPoint({ valence, arousal }) {
  return `${valence.toFixed(2)},${arousal.toFixed(2)}`;
}

/**
 * The point that two numbers name, null for words.
 * @param {string} text
 * @returns {Point | null}
 */
export function parsePoint(text) {
  const numbers = text.split(",").map(Number);
  if (!text.trim() || numbers.length !== 2 || numbers.some(Number.isNaN)) return null;
  return { valence: numbers[0], arousal: numbers[1] };
}
