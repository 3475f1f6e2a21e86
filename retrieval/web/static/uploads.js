/** Media to search with: sent to the server, which encodes them and keeps no file. */

import { fetchJson } from "./api_client.js";
import { toPrintable } from "./text_format.js";

export const MAX_UPLOAD_BYTES = 200_000_000; // as retrieval/web/request_guard.py
const STORAGE_KEY = "affect-uploads"; // names by id, so that a reload still names them

/**
 * @param {Blob} blob
 * @param {string} name
 * @returns {Promise<import("./api_types.js").Upload>}
 */
export async function uploadMedia(blob, name) {
  if (blob.size > MAX_UPLOAD_BYTES) throw new Error("too large: at most 200 MB can be searched with");
  const form = new FormData();
  form.append("file", blob, name);
  const upload = await fetchJson("/api/uploads", { method: "POST", body: form });
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ ...readNames(), [upload.upload]: name }));
  return upload;
}

/**
 * The name of what was sent as an id, "" where another page sent it.
 * @param {string} id
 */
export function getUploadName(id) {
  return toPrintable(readNames()[id] ?? "");
}

/**
 * @returns {Record<string, string>}
 */
function readNames() {
  return JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}");
}
