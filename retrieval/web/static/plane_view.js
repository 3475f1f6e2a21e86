/** The part of the valence-arousal plane that a canvas shows: pixels from points, and back. */

const MARGIN = 14; // pixels around the plane at zoom 1
export const MAX_ZOOM = 16;

/** @typedef {import("./api_types.js").Point} Point */

export class PlaneView {
  constructor() {
    this.width = 0;
    this.height = 0;
    this.zoom = 1;
    /** @type {Point} */
    this.centre = { valence: 0, arousal: 0 };
  }

  /** Pixels a unit of valence or arousal. */
  get scale() {
    return Math.max(1, (Math.min(this.width, this.height) / 2 - MARGIN) * this.zoom);
  }

  /**
   * @param {number} valence
   */
  getX(valence) {
    return this.width / 2 + (valence - this.centre.valence) * this.scale;
  }

  /**
   * @param {number} arousal
   */
  getY(arousal) {
    return this.height / 2 - (arousal - this.centre.arousal) * this.scale;
  }

  /**
   * The point under a pixel, kept on the plane.
   * @param {number} x
   * @param {number} y
   * @returns {Point}
   */
  getPoint(x, y) {
    return {
      valence: clamp(this.centre.valence + (x - this.width / 2) / this.scale),
      arousal: clamp(this.centre.arousal - (y - this.height / 2) / this.scale),
    };
  }

  /**
   * Changes the zoom so that what lies under a pixel stays there.
   * @param {number} factor
   * @param {number} [x]
   * @param {number} [y]
   */
  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const fixed = this.getPoint(x, y);
    this.zoom = Math.min(MAX_ZOOM, Math.max(1, this.zoom * factor));
    this.moveTo({
      valence: fixed.valence - (x - this.width / 2) / this.scale,
      arousal: fixed.arousal + (y - this.height / 2) / this.scale,
    });
  }

  /**
   * @param {number} x  pixels
   * @param {number} y
   */
  moveBy(x, y) {
    const { valence, arousal } = this.centre;
    this.moveTo({ valence: valence - x / this.scale, arousal: arousal + y / this.scale });
  }

  /**
   * @param {Point} centre
   */
  moveTo(centre) {
    const limit = 1 - 1 / this.zoom;
    this.centre = { valence: clamp(centre.valence, limit), arousal: clamp(centre.arousal, limit) };
  }

  reset() {
    this.zoom = 1;
    this.moveTo({ valence: 0, arousal: 0 });
  }
}

/**
 * @param {number} value
 * @param {number} [limit]
 */
export function clamp(value, limit = 1) {
  return Math.max(-limit, Math.min(limit, value));
}

/**
 * @param {Point} first
 * @param {Point} second
 */
export function measureDistance(first, second) {
  return Math.hypot(first.valence - second.valence, first.arousal - second.arousal);
}
