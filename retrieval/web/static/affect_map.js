/** The items of the library with a place on the valence-arousal plane. */

import { fetchJson } from "./api_client.js";
import { toPrintable } from "./text_format.js";

/**
 * @typedef {import("./api_types.js").AffectMap} AffectMap
 * @typedef {import("./plane_drawing.js").PlottedItem} PlottedItem
 */

/**
 * Items from columns; one without an estimate has no place and is left out.
 * @param {AffectMap} columns
 * @returns {PlottedItem[]}
 */
export function readColumns(columns) {
  return columns.ids.flatMap((id, index) => {
    const [valence, arousal] = [columns.valence[index], columns.arousal[index]];
    if (valence === null || arousal === null) return [];
    const modality = columns.modality_names[columns.modalities[index]];
    const [valence_sd, arousal_sd] = [columns.valence_sd[index] ?? 0, columns.arousal_sd[index] ?? 0];
    return [{ id, name: toPrintable(columns.names[index]), modality, valence, arousal, valence_sd, arousal_sd }];
  });
}

/**
 * Those of the library, and how many of them there are.
 * @returns {Promise<{plotted: PlottedItem[], total: number}>}
 */
export async function fetchAffectMap() {
  const columns = await fetchJson("/api/map");
  return { plotted: readColumns(columns), total: columns.total };
}

/**
 * The word nearest to a point.
 * @param {{word: string, valence: number, arousal: number}[]} landmarks
 * @param {import("./api_types.js").Point} point
 */
export function findNearestWord(landmarks, { valence, arousal }) {
  const distances = landmarks.map((mark) => Math.hypot(mark.valence - valence, mark.arousal - arousal));
  return landmarks[distances.indexOf(Math.min(...distances))]?.word ?? "";
}
