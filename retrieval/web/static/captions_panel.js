/** The captions given so far, training with them, and taking the training back. */

import { fetchJson, sendJson } from "./api_client.js";
import { fetchCaptions } from "./caption_form.js";
import { createElement, findElement } from "./dom.js";
import { describeSpace } from "./display_names.js";
import { formatCount } from "./text_format.js";

/** @typedef {import("./api_types.js").JobStatus} JobStatus */

export class CaptionsPanel {
  /**
   * @param {import("./index_panel.js").IndexPanel} indexPanel  which follows training too
   * @param {import("./notices.js").Notices} notices
   */
  constructor(indexPanel, notices) {
    this.notices = notices;
    findElement("train").addEventListener("click", () => this.#run("POST"));
    findElement("train-undo").addEventListener("click", () => this.#run("DELETE"));
    indexPanel.addEventListener("done", (event) => this.#showOutcome(/** @type {CustomEvent} */ (event).detail));
  }

  /**
   * @param {(id: string) => string} getName  of an item
   */
  async refresh(getName) {
    try {
      const captions = Object.entries(await fetchCaptions());
      findElement("captions-count").textContent = formatCount(captions.length, "captions");
      const rows = captions.map(([id, caption]) => this.#createRow(id, getName(id), caption, () => this.refresh(getName)));
      findElement("captions-list").replaceChildren(...rows);
    } catch (error) {
      findElement("captions-count").textContent = /** @type {Error} */ (error).message;
    }
  }

  /**
   * @param {string} id
   * @param {string} name
   * @param {string} caption
   * @param {() => void} onRemoved
   */
  #createRow(id, name, caption, onRemoved) {
    const fail = (/** @type {Error} */ error) => this.notices.showError("caption", error.message);
    const onclick = () => fetchJson(`/api/captions/${encodeURIComponent(id)}`, { method: "DELETE" }).then(onRemoved, fail);
    const label = `Take back the caption of ${name}`;
    return createElement(
      "li",
      {},
      createElement("span", {}, `${name}: ${caption}`),
      createElement("button", { type: "button", class: "link", "aria-label": label, onclick }, "Take back"),
    );
  }

  /**
   * @param {string} method
   */
  async #run(method) {
    this.notices.showBusy("train", method === "POST" ? "Training …" : "Taking the training back …");
    await sendJson("/api/train", method).catch((error) => this.notices.showError("train", error.message));
  }

  /**
   * @param {JobStatus} status
   */
  #showOutcome({ job, summary, error }) {
    if (job !== "train") return;
    if (error) this.notices.showError("train", error);
    else this.notices.showInfo("train", describeOutcome(summary?.spaces ?? []));
  }
}

/**
 * @param {{space: string, taken: boolean, why: string | null}[]} outcomes  of each space; none where it was undone
 */
function describeOutcome(outcomes) {
  if (!outcomes.length) return "The heads that come with the package are back.";
  return outcomes
    .map(({ space, taken, why }) => `${describeSpace(space)}: ${taken ? "new heads are used" : (why ?? "no new heads")}`)
    .join("; ");
}
