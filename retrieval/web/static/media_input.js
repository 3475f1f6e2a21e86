/** Search with a file: dropped, pasted, chosen, or recorded from the microphone. */

import { findElement } from "./dom.js";
import { getNoun } from "./modality_style.js";
import { SoundRecorder } from "./sound_recorder.js";
import { uploadMedia } from "./uploads.js";

export class MediaInput {
  /**
   * @param {import("./address_state.js").AddressState} state
   * @param {import("./notices.js").Notices} notices
   */
  constructor(state, notices) {
    this.state = state;
    this.notices = notices;
    this.overlay = findElement("drop-overlay");
    this.#listenToFiles();
    this.#listenToDrops();
    new SoundRecorder(findElement("record"), notices, (blob) => this.#search(blob, "recording.webm"));
  }

  #listenToFiles() {
    /** @type {HTMLInputElement} */
    const chooser = findElement("media-file");
    findElement("choose-media").addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      this.#searchWithFirst(chooser.files);
      chooser.value = "";
    });
    document.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) this.#searchWithFirst(event.clipboardData.files);
    });
  }

  #listenToDrops() {
    let depth = 0; // of elements that a drag has entered and not left
    const show = (/** @type {number} */ change) => {
      depth = change ? Math.max(0, depth + change) : 0;
      this.overlay.hidden = depth === 0;
    };
    document.addEventListener("dragenter", (event) => holdsFiles(event) && show(1));
    document.addEventListener("dragleave", (event) => holdsFiles(event) && show(-1));
    document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      show(0);
      this.#searchWithFirst(event.dataTransfer?.files ?? null);
    });
  }

  /**
   * @param {FileList | null} files
   */
  #searchWithFirst(files) {
    const file = files?.[0];
    if (file) this.#search(file, file.name || "pasted picture");
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   */
  async #search(blob, name) {
    this.notices.showBusy("upload", `Reading ${name} …`);
    try {
      const upload = await uploadMedia(blob, name);
      this.notices.clear("upload");
      this.state.update({ view: "search", item: "", nudge: [], [upload.modality]: upload.upload });
      this.notices.announce(`Searching with the ${getNoun(upload.modality)} ${name}`);
    } catch (error) {
      this.notices.showError("upload", `${name}: ${/** @type {Error} */ (error).message}`);
    }
  }
}

/**
 * @param {DragEvent} event
 */
function holdsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
