/** Work that is done before the browser draws next, once however often it is asked for. */

export class FrameRequest {
  #isWaiting = false;

  /**
   * @param {() => void} work
   */
  constructor(work) {
    this.work = work;
  }

  schedule() {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    requestAnimationFrame(() => {
      this.#isWaiting = false;
      this.work();
    });
  }
}
