/** The search box: results follow the words as they are typed; Enter makes a step of the history. */

import { findElement } from "./dom.js";

export class SearchBox {
  /**
   * @param {import("./address_state.js").AddressState} state
   */
  constructor(state) {
    /** @type {HTMLInputElement} */
    this.input = findElement("search-text");
    this.input.addEventListener("input", () => state.update({ text: this.input.value }, "text"));
    this.input.addEventListener("blur", () => state.commit());
    findElement("search-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      state.update({ text: this.input.value }, "text");
      state.commit();
    });
    this.showQuery(state.query);
  }

  /**
   * @param {import("./address_state.js").Query} query
   */
  showQuery(query) {
    if (this.input.value.trim() !== query.text.trim()) this.input.value = query.text;
  }

  focus() {
    this.input.focus();
    this.input.select();
  }
}
