/** What is shown where the library is not there yet: a folder to index, or the sample media. */

import { findElement } from "./dom.js";
import { hasBeenThere } from "./library_watch.js";

export class FirstRun {
  /**
   * @param {import("./index_panel.js").IndexPanel} indexPanel
   */
  constructor(indexPanel) {
    this.section = findElement("first-run");
    findElement("first-folder-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const folder = findElement("first-folder").value.trim();
      if (folder) indexPanel.start([folder]);
    });
    findElement("first-sample").addEventListener("click", () => indexPanel.startSample());
  }

  /**
   * @param {import("./api_types.js").Library} library
   */
  show(library) {
    this.section.hidden = hasBeenThere(library);
  }
}
