/** Which estimates of valence and arousal say less than what is assumed of any item. */

/** SD of valence and of arousal before anything is known, PRIOR_SD of spaces/circumplex/plane.py. */
const PRIOR_SD = [0.4, 0.35];

/**
 * Whether an estimate is less reliable than the prior, as `is_uncertain` of spaces/circumplex has it.
 * @param {import("./api_types.js").Affect} affect
 */
export function isUncertain({ valence_sd, arousal_sd }) {
  const shares = [valence_sd, arousal_sd].map((sd, index) => PRIOR_SD[index] ** 2 / (PRIOR_SD[index] ** 2 + sd ** 2));
  return (shares[0] + shares[1]) / 2 < 0.5;
}
