/** The captions given so far, training with them, and taking the training back. */

import { fetchJson, sendJson } from "./api_client.js";
import { createElement, findElement } from "./dom.js";
import { formatCount, getFileName } from "./text_format.js";

export class CaptionsPanel {
  /**
   * @param {import("./notices.js").Notices} notices
   */
  constructor(notices) {
    this.notices = notices;
    findElement("train").addEventListener("click", () => this.#run("POST", "Training …"));
    findElement("train-undo").addEventListener("click", () => this.#run("DELETE", "Taking the training back …"));
  }

  async refresh() {
    try {
      const { captions } = await fetchJson("/api/captions");
      findElement("captions-count").textContent = formatCount(captions.length, "captions");
      findElement("captions-list").replaceChildren(...captions.map((/** @type {any} */ row) => this.#createRow(row)));
    } catch (error) {
      findElement("captions-count").textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * @param {{id: string, path?: string, caption: string}} row
   */
  #createRow({ id, path, caption }) {
    const remove = async () => {
      await fetchJson(`/api/captions/${encodeURIComponent(id)}`, { method: "DELETE" });
      this.refresh();
    };
    const label = `Take back the caption of ${getFileName(path ?? id)}`;
    return createElement(
      "li",
      {},
      createElement("span", { title: path ?? id }, `${getFileName(path ?? id)}: ${caption}`),
      createElement("button", { type: "button", class: "link", "aria-label": label, onclick: remove }, "Take back"),
    );
  }

  /**
   * @param {string} method
   * @param {string} message
   */
  async #run(method, message) {
    this.notices.showBusy("train", message);
    try {
      const answer = await sendJson("/api/train", method);
      this.notices.showInfo("train", answer?.message ?? "Done.");
    } catch (error) {
      this.notices.showError("train", /** @type {Error} */ (error).message);
    }
  }
}
