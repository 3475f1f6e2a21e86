"""Clips of instruments, other samples and orchestral music, as features with their instrument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.datasets.sonic_pi import load_sonic_pi_samples
from experiments.datasets.wesnoth import get_track_group, list_wesnoth_excerpts
from experiments.features.extraction import encode_items
from experiments.heads.audio_text.audio_augmentation import ROLES
from retrieval.features import FeaturePipeline
from spaces import Features

MAX_TRACK_SEGMENTS = 4  # of an orchestral track, so that long ones don't outweigh the rest

# The instrument of a sample: that of the first pattern its name matches; left out where none does.
SAMPLE_LABEL_PATTERNS = (
    ("bass drum", "bd_|drum_bass|drum_heavy_kick|elec_(hollow|soft)_kick"),
    ("snare drum", "sn_|drum_snare|elec_(filt_|hi_|lo_|mid_|)snare"),
    ("cymbal", "hat_|ride_|drum_(cymbal|splash)|elec_cymbal|tbd_perc_hat"),
    ("bell", "drum_cowbell|elec_(bell|chime|triangle|bong)|perc_bell"),
    ("drum", "drum_(tom|roll)|elec_fuzz_tom|glitch_perc|tbd_perc_tap"),
    ("tabla", "tabla_"),
    ("ambient", "ambi_(?!choir|piano)|loop_drone|tbd_(pad|fxbed)"),
    ("noise", "loop_3d_printer|perc_"),
    ("beat", "loop_|arovane_beat"),
    ("guitar", "guit_"),
    ("bass", "bass_|glitch_bass"),
    ("beep", "elec_|mehackit_phone|tbd_perc_blip"),
    ("robot", "glitch_robot|mehackit_robot"),
    ("vinyl", "vinyl_"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class InstrumentClips:
    """n clips of instruments and other sounds: raw rows (n, d) by role, instruments and groups."""

    features: Features
    labels: list[str]
    groups: list[str]


def load_instruments(pipeline: FeaturePipeline, data_root: Path) -> InstrumentClips:
    """Sonic Pi's samples, and up to MAX_TRACK_SEGMENTS segments of each of Wesnoth's orchestral tracks.

    Samples whose names share their first two words are one group, and so are tracks that share the first.
    Raises AffectError where a set is missing.
    """
    sample_paths = (sample.path for sample in load_sonic_pi_samples(data_root))
    samples = [path for path in sample_paths if classify_sample(path.stem)]
    tracks = list_wesnoth_excerpts(data_root)
    sample_rows = encode_items(pipeline, [(path,) for path in samples], quiet=True).mean_pool(len(samples))
    segments = encode_items(pipeline, [(path,) for path in tracks], all_segments=True, quiet=True)
    first_segments = np.searchsorted(segments.item_by_segment, segments.item_by_segment)
    segment_numbers = np.arange(len(segments.item_by_segment)) - first_segments
    selected = np.flatnonzero(segment_numbers < MAX_TRACK_SEGMENTS)
    return InstrumentClips(
        features={
            role: np.concatenate([sample_rows[role], segments.features[role][selected]]) for role in ROLES
        },
        labels=[classify_sample(path.stem) for path in samples] + ["orchestra"] * len(selected),
        groups=[f"sample {_extract_name_prefix(path.stem)}" for path in samples]
        + [f"track {get_track_group(tracks[item])}" for item in segments.item_by_segment[selected]],
    )


def classify_sample(name: str) -> str:
    """The instrument of a Sonic Pi sample of this name; empty where it is none of INSTRUMENTS."""
    return next((label for label, pattern in SAMPLE_LABEL_PATTERNS if re.match(pattern, name)), "")


def _extract_name_prefix(name: str) -> str:
    """The first two words of a name: "tabla_ghe" of "tabla_ghe1", but "bd_808" of itself."""
    return (re.match("[a-z]+_[a-z]+", name) or re.match(".*", name))[0]  # type: ignore[index]
