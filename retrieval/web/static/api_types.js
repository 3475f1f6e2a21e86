/**
 * The JSON of the server, as JSDoc types. Nothing runs here.
 *
 * Valence and arousal lie in [-1, 1], times are in seconds, scores in [0, 1]. `null` is missing, never zero.
 *
 * @typedef {{valence: number, arousal: number, valence_sd: number, arousal_sd: number}} Affect
 *
 * @typedef {"image" | "video" | "audio"} Modality
 *
 * @typedef {object} Library
 * @property {string} library
 * @property {Record<string, number>} items  by modality
 * @property {number} files
 * @property {number} segments
 * @property {number} unreadable
 * @property {number} missing
 * @property {string[]} spaces
 * @property {{path: string, items: number}[]} folders
 * @property {{word: string, valence: number, arousal: number}[]} landmarks
 * @property {string[]} moods
 * @property {number} segment  seconds
 * @property {string} version
 * @property {string[]} fusion
 * @property {"ready" | "loading" | "missing" | "unavailable"} state
 * @property {string | null} notice
 *
 * @typedef {object} Explanation
 * @property {{sum: Record<string, number>, not?: Record<string, number>, weights?: Record<string, number>}} parts
 * @property {[string, number][]} labels
 * @property {[string, number][]} events
 * @property {number | null} moment
 * @property {Record<string, number>} views
 * @property {Record<string, number> | null} faces
 * @property {Record<string, Affect | null>} affect
 * @property {{name: string, share: number, valence: number, arousal: number}[]} affect_events  what gave a sound its affect
 *
 * @typedef {object} Result
 * @property {number} rank
 * @property {string} id
 * @property {string} path
 * @property {Modality} modality
 * @property {number} score
 * @property {Record<string, number | null>} spaces
 * @property {number | null} start
 * @property {number | null} end
 * @property {Affect | null} affect
 * @property {number | null} mood
 * @property {string | null} [group]
 * @property {string} [summary]
 * @property {Explanation} [why]
 *
 * @typedef {object} SearchAnswer
 * @property {Record<string, any>} query
 * @property {Result[]} results
 * @property {string} [note]
 * @property {string[]} warnings
 * @property {number} took_ms
 *
 * @typedef {{upload: string, modality: Modality, name: string, seconds: number | null}} Upload
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {string} path
 * @property {Modality} modality
 * @property {number | null} duration
 * @property {Affect | null} affect
 * @property {string | null} date
 *
 * @typedef {object} ItemDetails
 * @property {string} id
 * @property {string[]} paths
 * @property {Modality} modality
 * @property {number | null} duration
 * @property {number | null} width
 * @property {number | null} height
 * @property {{start: number | null, end: number | null, affect: Affect | null}[]} segments
 * @property {[string, number][]} [labels]
 * @property {[string, number][]} [events]
 * @property {FaceBox[]} [faces]
 * @property {boolean} missing
 *
 * @typedef {object} FaceBox  shares of the frame's width and height
 * @property {number | null} seconds  of the frame; null for a photo
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} confidence  by which it weighs in the estimate
 *
 * @typedef {object} AffectMap  one entry an item in every column
 * @property {number} total  of the items, of which the columns may hold a sample
 * @property {string[]} ids
 * @property {number[]} modalities  positions in modality_names
 * @property {string[]} modality_names
 * @property {(number | null)[]} valence
 * @property {(number | null)[]} arousal
 * @property {(number | null)[]} valence_sd
 * @property {(number | null)[]} arousal_sd
 * @property {string[]} names
 *
 * @typedef {object} IndexProgress
 * @property {number} found
 * @property {number} to_process
 * @property {number} indexed
 * @property {number} failed
 * @property {number | null} eta_seconds
 *
 * @typedef {object} JobStatus  the command that writes to the library, or the last one
 * @property {"index" | "train" | null} job
 * @property {boolean} running
 * @property {IndexProgress | null} progress
 * @property {Record<string, any> | null} summary  what it printed at its end
 * @property {string | null} error
 * @property {string[]} log
 * @property {string[]} roots  folders indexed before
 * @property {number | null} writer  id of the process that writes to the library
 *
 * @typedef {{valence: number, arousal: number}} Point
 */
export {};
