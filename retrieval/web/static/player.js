/** Plays a photo, a video or a sound at full size, with the segment and the moment of a match marked. */

import { getMediaAddress, getPreviewAddress } from "./api_client.js";
import { createElement } from "./dom.js";
import { createFaceOutlines } from "./face_outlines.js";
import { formatSeconds, getFileName } from "./text_format.js";
import { createWaveform } from "./waveform.js";

const SEEK_SECONDS = 0.5; // farther from where it should play, someone else has moved it

/**
 * @typedef {import("./preview.js").Moment} Moment
 * @typedef {import("./api_types.js").ItemDetails} ItemDetails
 */

export class Player {
  /** @type {HTMLMediaElement | null} */
  #media = null;
  /** @type {HTMLElement | null} */
  #playhead = null;
  #seconds = 0;
  #start = 0; // where it begins to play, in seconds
  #isTouched = false; // whether it was paused, or moved elsewhere

  /**
   * @param {HTMLElement} box
   */
  constructor(box) {
    this.box = box;
  }

  /**
   * @param {Moment} moment
   * @param {ItemDetails} details
   */
  show(moment, details) {
    this.stop();
    this.#seconds = details.duration ?? 0;
    this.#start = moment.start ?? 0;
    this.#isTouched = false;
    if (details.missing) this.#showMissing(moment);
    else if (moment.modality === "image") this.box.replaceChildren(this.#createPicture(moment, details));
    else this.#showTimed(moment);
  }

  /** Plays, from the moment at first. */
  play() {
    this.#media?.play().catch(() => {});
  }

  toggle() {
    if (this.#media?.paused) this.play();
    else this.#media?.pause();
  }

  stop() {
    this.#media?.pause();
    this.#media?.removeAttribute("src");
    this.#media = null;
    this.#playhead = null;
    this.box.replaceChildren();
  }

  /**
   * Marks the second at which what was searched for is strongest, and plays from there unless the reader has chosen
   * another place meanwhile.
   * @param {number | null} seconds
   */
  markMoment(seconds) {
    const track = this.box.querySelector(".track");
    if (seconds === null || !track || !this.#seconds) return;
    const mark = createElement("button", {
      type: "button",
      class: "moment",
      "aria-label": `Play from the best moment, ${formatSeconds(seconds)}`,
      title: `best moment, ${formatSeconds(seconds)}`,
      onclick: () => this.#playFrom(seconds),
    });
    mark.style.left = `${(100 * seconds) / this.#seconds}%`;
    track.append(mark);
    if (!this.#isTouched) this.#seek(seconds);
  }

  /**
   * @param {Moment} moment
   * @param {ItemDetails} details
   */
  #createPicture({ id, path }, { faces = [] }) {
    const picture = createElement("img", { src: getMediaAddress(id), alt: getFileName(path) });
    picture.addEventListener("error", () => (picture.src = getPreviewAddress(id)), { once: true });
    return createElement("div", { class: "picture-frame" }, picture, ...createFaceOutlines(faces));
  }

  /**
   * @param {Moment} moment
   */
  #showMissing(moment) {
    const picture = createElement("img", { src: getPreviewAddress(moment.id, moment.start), alt: "" });
    picture.addEventListener("error", () => picture.remove());
    const text = "The file is not there now; its disk may not be mounted.";
    this.box.replaceChildren(picture, createElement("p", { class: "hint", role: "status" }, text));
  }

  /**
   * @param {Moment} moment
   */
  #showTimed(moment) {
    const isVideo = moment.modality === "video";
    const attributes = { controls: true, preload: "metadata", playsinline: true, "aria-label": getFileName(moment.path) };
    const media = createElement(isVideo ? "video" : "audio", attributes);
    if (isVideo) media.setAttribute("poster", getPreviewAddress(moment.id, moment.start));
    media.src = getMediaAddress(moment.id);
    media.addEventListener("loadedmetadata", () => this.#begin(media), { once: true });
    for (const name of ["pause", "seeking"]) media.addEventListener(name, () => this.#noticeTouch(media, name));
    media.addEventListener("timeupdate", () => this.#movePlayhead(media));
    media.addEventListener("error", () => this.#showUnplayable(moment));
    this.#media = media;
    const track = this.#createTrack(moment);
    this.box.replaceChildren(...(isVideo ? [media, track] : [track, media]));
  }

  /**
   * @param {HTMLMediaElement} media
   */
  #begin(media) {
    if (Number.isFinite(media.duration)) this.#seconds = media.duration;
    if (this.#start) this.#seek(this.#start);
  }

  /**
   * @param {HTMLMediaElement} media
   * @param {string} event
   */
  #noticeTouch(media, event) {
    if (media !== this.#media) return; // the end of what was shown before
    this.#isTouched ||= event === "pause" || Math.abs(media.currentTime - this.#start) > SEEK_SECONDS;
  }

  /**
   * @param {number} seconds
   */
  #seek(seconds) {
    this.#start = seconds;
    if (this.#media && this.#media.readyState >= HTMLMediaElement.HAVE_METADATA) this.#media.currentTime = seconds;
  }

  /**
   * The whole length of the file: its waveform where it is a sound, the segment found, and where it plays.
   * @param {Moment} moment
   */
  #createTrack(moment) {
    const { id, modality, start, end } = moment;
    this.#playhead = createElement("span", { class: "playhead" });
    const segment = createElement("span", { class: "segment", title: "the segment found" });
    if (start !== null && end !== null && this.#seconds) {
      segment.style.left = `${(100 * start) / this.#seconds}%`;
      segment.style.width = `${(100 * (end - start)) / this.#seconds}%`;
    }
    const wave = modality === "audio" ? createWaveform(id, moment) : null;
    const track = createElement("div", { class: `track ${modality}` }, wave, segment, this.#playhead);
    track.addEventListener("click", (event) => {
      if (event.target instanceof HTMLButtonElement) return;
      const box = track.getBoundingClientRect();
      this.#playFrom(((event.clientX - box.left) / box.width) * this.#seconds);
    });
    return track;
  }

  /**
   * @param {number} seconds
   */
  #playFrom(seconds) {
    this.#isTouched = true;
    this.#seek(seconds);
    this.play();
  }

  /**
   * @param {HTMLMediaElement} media
   */
  #movePlayhead(media) {
    if (this.#playhead && this.#seconds) this.#playhead.style.left = `${(100 * media.currentTime) / this.#seconds}%`;
  }

  /**
   * Shows the file as a picture, which an animated GIF is to a browser; its preview where it is none.
   * @param {Moment} moment
   */
  #showUnplayable(moment) {
    if (!this.#media) return; // stopped, which an empty address ends too
    const media = this.#media;
    this.#media = null;
    const text = createElement("p", { class: "hint", role: "status" }, "This browser can't play the file's format.");
    const picture = createElement("img", { src: getMediaAddress(moment.id), alt: getFileName(moment.path) });
    const showPreview = () => {
      picture.addEventListener("error", () => picture.remove());
      picture.src = getPreviewAddress(moment.id, moment.start);
      picture.after(text);
    };
    picture.addEventListener("error", showPreview, { once: true });
    picture.addEventListener("load", () => picture.nextSibling === text || picture.nextElementSibling?.remove());
    media.replaceWith(picture);
  }
}
