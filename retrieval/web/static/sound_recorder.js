/** Records from the microphone, where the browser has one and allows it. */

const MAX_SECONDS = 15;

export class SoundRecorder {
  /** @type {MediaRecorder | null} */
  #recorder = null;

  /**
   * @param {HTMLButtonElement} button
   * @param {import("./notices.js").Notices} notices
   * @param {(sound: Blob) => void} onSound
   */
  constructor(button, notices, onSound) {
    this.button = button;
    this.notices = notices;
    this.onSound = onSound;
    button.hidden = !navigator.mediaDevices || !("MediaRecorder" in window);
    button.addEventListener("click", () => (this.#recorder ? this.#recorder.stop() : this.#start()));
  }

  async #start() {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.#record(stream);
    } catch (error) {
      this.notices.showError("record", `No microphone to record from (${/** @type {Error} */ (error).message}).`);
    }
  }

  /**
   * @param {MediaStream} stream
   */
  #record(stream) {
    /** @type {Blob[]} */
    const parts = [];
    const recorder = new MediaRecorder(stream);
    this.#recorder = recorder;
    const timer = setTimeout(() => recorder.stop(), 1000 * MAX_SECONDS);
    recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
    recorder.addEventListener("stop", () => {
      clearTimeout(timer);
      stream.getTracks().forEach((track) => track.stop());
      this.#recorder = null;
      this.#showState(false);
      this.onSound(new Blob(parts, { type: recorder.mimeType }));
    });
    recorder.start();
    this.#showState(true);
  }

  /**
   * @param {boolean} isRecording
   */
  #showState(isRecording) {
    this.button.setAttribute("aria-pressed", String(isRecording));
    const label = isRecording ? "Stop recording and search" : `Record a sound (at most ${MAX_SECONDS} s)`;
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
    if (isRecording) this.notices.showBusy("record", "Recording … press the button again to search");
    else this.notices.clear("record");
  }
}
