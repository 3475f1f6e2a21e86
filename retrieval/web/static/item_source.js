/** All items of the library, read in pages; every item is read once. */

import { fetchJson } from "./api_client.js";

const PAGE_SIZE = 1000; // the most that the API gives at once

/**
 * @param {(items: import("./api_types.js").Item[], total: number) => void} onPage  with all items so far
 * @param {AbortSignal} signal
 */
export async function fetchAllItems(onPage, signal) {
  /** @type {import("./api_types.js").Item[]} */
  const items = [];
  for (;;) {
    const page = await fetchJson(`/api/items?sort=date&offset=${items.length}&limit=${PAGE_SIZE}`, { signal });
    items.push(...page.items);
    onPage(items, page.total);
    if (!page.items.length || items.length >= page.total) return;
  }
}
