"""Russell's circumplex (1980): the valence-arousal plane, landmarks, emotion categories, trajectories."""

from spaces.circumplex.emotions import (
    EMOTION_SCHEMES,
    EMOTIONS_FILE,
    EmotionCategories,
    EmotionTable,
    compute_emotion_posterior,
    load_emotion_categories,
    map_emotions_to_affect,
)
from spaces.circumplex.landmarks import (
    LANDMARK_RADIUS,
    LANDMARK_SYNONYMS,
    LANDMARKS,
    MIN_LANDMARK_PROBABILITY,
    find_confident_landmark,
    find_nearest_landmark,
)
from spaces.circumplex.mood_parsing import format_landmarks, parse_mood, suggest_landmark
from spaces.circumplex.nudges import NUDGES, compute_nudge, nudge_point
from spaces.circumplex.plane import (
    DIMENSIONS,
    PRIOR_MEAN,
    PRIOR_SD,
    QUADRANTS,
    RATING_SCALES,
    affinity,
    combine_with_prior,
    compute_prior_affinity,
    compute_reliability,
    distance,
    find_quadrants,
    is_uncertain,
    rescale,
    unscale,
)
from spaces.circumplex.regions import MAX_RADIUS, bound_disc_probability, compute_disc_probability
from spaces.circumplex.time_warping import compute_warped_costs, find_warping_path, interpolate_path
from spaces.circumplex.trajectory_summary import AffectTrajectory, summarise_trajectory

__all__ = [
    "DIMENSIONS",
    "EMOTIONS_FILE",
    "EMOTION_SCHEMES",
    "LANDMARKS",
    "LANDMARK_RADIUS",
    "LANDMARK_SYNONYMS",
    "MAX_RADIUS",
    "MIN_LANDMARK_PROBABILITY",
    "NUDGES",
    "PRIOR_MEAN",
    "PRIOR_SD",
    "QUADRANTS",
    "RATING_SCALES",
    "AffectTrajectory",
    "EmotionCategories",
    "EmotionTable",
    "affinity",
    "bound_disc_probability",
    "combine_with_prior",
    "compute_disc_probability",
    "compute_emotion_posterior",
    "compute_nudge",
    "compute_prior_affinity",
    "compute_reliability",
    "compute_warped_costs",
    "distance",
    "find_confident_landmark",
    "find_nearest_landmark",
    "find_quadrants",
    "find_warping_path",
    "format_landmarks",
    "interpolate_path",
    "is_uncertain",
    "load_emotion_categories",
    "map_emotions_to_affect",
    "nudge_point",
    "parse_mood",
    "rescale",
    "suggest_landmark",
    "summarise_trajectory",
    "unscale",
]
