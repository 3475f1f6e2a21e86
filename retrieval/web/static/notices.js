/** Lines above the page: what is being done, what went wrong. A topic has one line at a time. */

import { createElement, createIconButton, findElement } from "./dom.js";
import { toPrintable } from "./text_format.js";

export class Notices {
  constructor() {
    /** @type {HTMLElement} */
    this.list = findElement("notices");
    /** @type {HTMLElement} */
    this.live = findElement("announcements");
  }

  /**
   * @param {string} topic
   * @param {string} message
   * @param {{label: string, run: () => void} | null} [action]
   */
  showError(topic, message, action = null) {
    this.#show(topic, message, "error", action);
  }

  /**
   * @param {string} topic
   * @param {string} message
   * @param {{label: string, run: () => void} | null} [action]
   */
  showInfo(topic, message, action = null) {
    this.#show(topic, message, "info", action);
  }

  /**
   * @param {string} topic
   * @param {string} message
   */
  showBusy(topic, message) {
    this.#show(topic, message, "busy", null);
  }

  /**
   * @param {string} topic
   */
  clear(topic) {
    this.#find(topic)?.remove();
  }

  clearAll() {
    this.list.replaceChildren();
  }

  /**
   * Says something to screen readers alone.
   * @param {string} message
   */
  announce(message) {
    this.live.textContent = message;
  }

  /**
   * @param {string} topic
   */
  #find(topic) {
    return [...this.list.children].find((line) => /** @type {HTMLElement} */ (line).dataset.topic === topic);
  }

  /**
   * @param {string} topic
   * @param {string} text
   * @param {string} kind
   * @param {{label: string, run: () => void} | null} action
   */
  #show(topic, text, kind, action) {
    const message = toPrintable(text);
    const shown = this.#find(topic);
    if (shown?.querySelector("span")?.textContent === message) return;
    const button = action && createElement("button", { type: "button", class: "link", onclick: action.run }, action.label);
    const close = kind !== "busy" && createIconButton("close", "Dismiss", () => this.clear(topic));
    const line = createElement(
      "div",
      { class: `notice ${kind}`, "data-topic": topic },
      createElement("span", {}, message),
      button,
      close,
    );
    if (shown) shown.replaceWith(line);
    else this.list.append(line);
  }
}
