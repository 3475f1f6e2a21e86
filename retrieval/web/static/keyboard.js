/** Keys of the page: "/" to the search box, "?" for help, Escape out of a list; letters act on the focused result. */

import { findElement } from "./dom.js";

/**
 * @typedef {import("./api_types.js").Result} Result
 * @typedef {Record<string, (result: Result) => void>} ResultKeys
 */

/**
 * @param {{focusSearch: () => void, findResult: (element: Element) => Result | undefined, resultKeys: ResultKeys, focusResults: () => void}} actions
 */
export function listenToKeys({ focusSearch, findResult, resultKeys, focusResults }) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.id === "search-text" && event.key === "ArrowDown") act(event, focusResults);
    if (target.matches("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
    if (event.key === "/") act(event, focusSearch);
    else if (event.key === "?") act(event, showHelp);
    else if (event.key === "Escape" && target.closest("#results")) act(event, focusSearch);
    else {
      const run = resultKeys[event.key.toLowerCase()]; // with Shift or Caps Lock too
      const result = run && findResult(target);
      if (result) act(event, () => run(result));
    }
  });
  findElement("help-open").addEventListener("click", showHelp);
  findElement("help-close").addEventListener("click", () => findElement("help").close());
}

function showHelp() {
  findElement("help").showModal();
}

/**
 * @param {KeyboardEvent} event
 * @param {() => void} run
 */
function act(event, run) {
  event.preventDefault();
  run();
}
