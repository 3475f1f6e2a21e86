/** What is shown where the library is not there yet: a folder to index, or the sample media. */

import { sendJson } from "./api_client.js";
import { findElement } from "./dom.js";
import { hasBeenThere } from "./library_watch.js";

export class FirstRun {
  /**
   * @param {import("./index_panel.js").IndexPanel} indexPanel
   * @param {import("./notices.js").Notices} notices
   */
  constructor(indexPanel, notices) {
    this.section = findElement("first-run");
    findElement("first-folder-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const folder = findElement("first-folder").value.trim();
      if (folder) indexPanel.start([folder]);
    });
    findElement("first-sample").addEventListener("click", async () => {
      await sendJson("/api/sample", "POST").catch((error) => notices.showError("index", error.message));
    });
  }

  /**
   * @param {import("./api_types.js").Library} library
   */
  show(library) {
    this.section.hidden = hasBeenThere(library);
  }
}
