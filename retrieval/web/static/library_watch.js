/**
 * The state of the library, asked for until it can be searched. "change" follows every answer, "ready" one of a library
 * that can be searched, "return" before it where it had been moved or unmounted.
 */

import { fetchJson } from "./api_client.js";

const RETRY_MS = 1500; // while the server loads the library or does not answer

/** @typedef {import("./api_types.js").Library} Library */

export class LibraryWatch extends EventTarget {
  /** @type {Library | null} */
  library = null;
  /** Whether it was moved or unmounted, and has not been ready since. */
  isAway = false;
  #timer = 0;

  /**
   * @param {import("./notices.js").Notices} notices
   */
  constructor(notices) {
    super();
    this.notices = notices;
  }

  async load() {
    clearTimeout(this.#timer);
    try {
      this.library = /** @type {Library} */ (await fetchJson("/api/library"));
    } catch (error) {
      this.notices.showError("library", /** @type {Error} */ (error).message);
      this.#repeat();
      return;
    }
    this.#showNotice(this.library);
    this.dispatchEvent(new Event("change"));
    if (this.library.state === "ready") this.#finish();
    else this.#repeat();
  }

  #repeat() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), RETRY_MS);
  }

  #finish() {
    const wasAway = this.isAway;
    this.isAway = false;
    if (wasAway) this.dispatchEvent(new Event("return"));
    this.dispatchEvent(new Event("ready"));
  }

  /**
   * One line says that a library is away; what failed for that reason is not said too.
   * @param {Library} library
   */
  #showNotice(library) {
    const isGone = !isThere(library) && hasBeenThere(library);
    if (isGone !== this.isAway) this.notices.clearAll();
    this.isAway ||= isGone;
    if (library.notice) this.notices.showInfo("library", library.notice);
    else this.notices.clear("library");
  }
}

/**
 * @param {Library} library
 */
export function isThere({ state }) {
  return state !== "missing";
}

/**
 * Whether there is or was a library; where there never was one, there is nothing to tell.
 * @param {Library} library
 */
export function hasBeenThere(library) {
  return isThere(library) || library.notice !== null;
}
