/** Requests to the server. Every failure is an ApiError with one line for people. */

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status  of HTTP; 0 where the server did not answer
   */
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function fetchJson(path, options = {}) {
  const response = await fetchResponse(path, options);
  if (response.status === 204) return null;
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new ApiError(body?.error ?? `the server answered ${response.status}`, response.status);
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function fetchResponse(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("The server does not answer. Is affect serve still running?", 0);
  }
}

/**
 * @param {string} path
 * @param {string} method
 * @param {object} [body]
 */
export function sendJson(path, method, body = {}) {
  const headers = { "Content-Type": "application/json" };
  return fetchJson(path, { method, headers, body: JSON.stringify(body) });
}

/**
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Runs one request at a time: a new one aborts the one before, whose answer is then never seen. */
export class LatestRequest {
  /** @type {AbortController | null} */
  #controller = null;

  /**
   * The answer, or null where a later request took its place.
   * @template Answer
   * @param {(signal: AbortSignal) => Promise<Answer>} send
   * @returns {Promise<Answer | null>}
   */
  async run(send) {
    this.abort();
    const controller = new AbortController();
    this.#controller = controller;
    try {
      const answer = await send(controller.signal);
      return controller.signal.aborted ? null : answer;
    } catch (error) {
      if (controller.signal.aborted || isAbort(error)) return null;
      throw error;
    }
  }

  abort() {
    this.#controller?.abort();
    this.#controller = null;
  }
}

/**
 * @param {string} id
 * @param {number | null} [seconds]
 */
export function getPreviewAddress(id, seconds = null) {
  const at = seconds === null ? "" : `?at=${seconds.toFixed(2)}`;
  return `/api/items/${encodeURIComponent(id)}/preview${at}`;
}

/**
 * @param {string} id
 */
export function getMediaAddress(id) {
  return `/api/items/${encodeURIComponent(id)}/media`;
}
