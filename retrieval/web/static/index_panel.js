/**
 * Indexing: its progress live, add a folder, index again, stop. "library" follows when new items can be searched,
 * "done" the end of a run of indexing or training.
 */

import { fetchJson, sendJson } from "./api_client.js";
import { createElement, findElement } from "./dom.js";
import { formatCount, formatDuration, toPrintable } from "./text_format.js";

/** @typedef {import("./api_types.js").JobStatus} JobStatus */

/** @type {JobStatus} */
const NO_STATUS = { job: null, running: false, progress: null, summary: null, error: null, log: [], roots: [], writer: null };
const START_BUTTONS = ["index-again", "index-retry", "add-folder-start"];

export class IndexPanel extends EventTarget {
  /** @type {JobStatus | null} */
  #status = null;

  /**
   * @param {import("./notices.js").Notices} notices
   */
  constructor(notices) {
    super();
    this.notices = notices;
    findElement("add-folder-form").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      const input = findElement("add-folder");
      if (input.value.trim()) this.start([input.value.trim()]);
    });
    findElement("index-again").addEventListener("click", () => this.start(this.#status?.roots ?? []));
    findElement("index-retry").addEventListener("click", () => this.start(this.#status?.roots ?? [], true));
    findElement("index-stop").addEventListener("click", () => this.#send("DELETE"));
  }

  /** Follows the events of the server; the browser connects again by itself. */
  follow() {
    const events = new EventSource("/api/index/events");
    for (const name of ["progress", "done"]) {
      events.addEventListener(name, (event) => {
        const status = JSON.parse(/** @type {MessageEvent} */ (event).data);
        this.#show(status);
        if (name === "done") this.dispatchEvent(new CustomEvent("done", { detail: status }));
      });
    }
    events.addEventListener("library", () => this.dispatchEvent(new Event("library")));
    events.addEventListener("done", () => this.dispatchEvent(new Event("library")));
    this.#send("GET");
  }

  /**
   * @param {string[]} paths
   * @param {boolean} [retry]  also files that could not be read before
   */
  start(paths, retry = false) {
    return this.#send("POST", { paths, retry });
  }

  /** Makes the sample files and indexes them. */
  startSample() {
    return this.#send("POST", {}, "/api/sample");
  }

  /**
   * @param {string} method
   * @param {object} [body]
   * @param {string} [path]
   */
  async #send(method, body, path = "/api/index") {
    try {
      const status = await (body ? sendJson(path, method, body) : fetchJson(path, { method }));
      if (status && "running" in status) this.#show(status);
      this.notices.clear("index");
    } catch (error) {
      this.notices.showError("index", /** @type {Error} */ (error).message);
    }
  }

  /**
   * @param {Partial<JobStatus>} news  of a start or stop without the folders and the writer, which are as they were
   */
  #show(news) {
    const status = { ...NO_STATUS, ...this.#status, ...news };
    this.#status = status;
    const { job, running, progress, log, roots } = status;
    /** @type {HTMLProgressElement} */
    const bar = findElement("index-bar");
    bar.hidden = !running;
    if (progress?.to_process) Object.assign(bar, { max: progress.to_process, value: progress.indexed + progress.failed });
    else bar.removeAttribute("value");
    findElement("index-state").textContent = describeProgress(status);
    findElement("running-job").textContent = `${job === "train" ? "Training" : "Indexing"}: ${describeProgress(status)}`;
    findElement("running-job").hidden = !running;
    findElement("index-stop").hidden = !running;
    const isTaken = !running && status.writer !== null; // by a process that is not the server's
    for (const button of START_BUTTONS) findElement(button).disabled = isTaken;
    findElement("index-again").hidden = findElement("index-retry").hidden = running || !roots.length;
    findElement("index-roots").replaceChildren(...roots.map((root) => createElement("li", {}, toPrintable(root))));
    findElement("index-log").textContent = log.map(toPrintable).join("\n");
    findElement("index-log-box").hidden = !log.length;
  }
}

/**
 * @param {JobStatus} status
 */
function describeProgress({ job, running, progress, error, writer }) {
  if (!running && writer !== null) return `Another process (${writer}) writes to the library; index once it has ended.`;
  if (!running) return error ? `It failed: ${error}` : "Nothing is running.";
  if (job === "train") return "this may take some minutes";
  if (!progress) return "Starting …";
  const done = progress.indexed + progress.failed;
  const eta = progress.eta_seconds === null || progress.eta_seconds === undefined ? "" : `, about ${formatDuration(progress.eta_seconds)} left`;
  const failed = progress.failed ? `, ${progress.failed} could not be read` : "";
  return `${done.toLocaleString("en")} of ${formatCount(progress.to_process, "files")}${failed}${eta}`;
}
