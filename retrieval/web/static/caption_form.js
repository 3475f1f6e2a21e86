/** Teaching by captions: accept what was found of an item, correct it, or take the caption back. */

import { fetchJson, sendJson } from "./api_client.js";
import { createElement } from "./dom.js";
import { listCertainNames } from "./recognised_terms.js";

/** @typedef {import("./api_types.js").ItemDetails} ItemDetails */

/**
 * Captions by item id.
 * @returns {Promise<Record<string, string>>}
 */
export async function fetchCaptions() {
  return (await fetchJson("/api/captions")).captions;
}

/**
 * @param {ItemDetails} details
 * @param {import("./notices.js").Notices} notices
 */
export function createCaptionForm(details, notices) {
  const address = `/api/captions/${encodeURIComponent(details.id)}`;
  const field = createElement("input", { type: "text", name: "caption", maxlength: 500, autocomplete: "off" });
  field.value = listCertainNames(details).join(", "); // to accept or correct
  const status = createElement("p", { class: "hint", role: "status" });
  const remove = createElement("button", { type: "button", class: "quiet", hidden: true }, "Take back");
  const report = (/** @type {string} */ message) => (status.textContent = message);
  const fail = (/** @type {Error} */ error) => notices.showError("caption", error.message);
  const form = createElement(
    "form",
    { class: "caption-form" },
    createElement("label", {}, createElement("span", {}, "In your words"), field),
    createElement("div", { class: "row" }, createElement("button", { type: "submit" }, "Save caption"), remove),
    status,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const caption = field.value.trim();
    if (caption) sendJson(address, "PUT", { caption }).then(() => showSaved(caption), fail);
  });
  remove.addEventListener("click", () => {
    fetchJson(address, { method: "DELETE" }).then(() => {
      remove.hidden = true;
      report("The caption is taken back.");
    }, fail);
  });
  const showSaved = (/** @type {string} */ caption) => {
    field.value = caption;
    remove.hidden = false;
    report("Saved. Train in the library view when you have enough.");
  };
  fetchCaptions().then((captions) => details.id in captions && showSaved(captions[details.id]), () => form.remove());
  return form;
}
