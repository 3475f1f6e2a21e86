/** Colours, plurals and order of modalities; those of retrieval/report/modality_style.py, which a test compares. */

/** @type {Record<string, string>} */
export const MODALITY_COLOURS = { image: "#0072B2", video: "#D55E00", audio: "#009E73" };
/** @type {Record<string, string>} */
export const MODALITY_PLURALS = { image: "photos", video: "videos", audio: "sounds" };
export const MODALITIES = Object.keys(MODALITY_COLOURS);
export const DEFAULT_COLOUR = "#7f7f7f";

/**
 * @param {string} modality
 */
export function getColour(modality) {
  return MODALITY_COLOURS[modality] ?? DEFAULT_COLOUR;
}

/**
 * The singular, such as photo.
 * @param {string} modality
 */
export function getNoun(modality) {
  return (MODALITY_PLURALS[modality] ?? modality).replace(/s$/, "");
}
