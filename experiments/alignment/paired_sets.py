"""The real sets of pairs by name, as far as their folders exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from encoders import AffectError, UnknownNameError
from experiments.alignment.audio_face_pairs import load_ravdess_speech
from experiments.alignment.liris_pairs import load_liris
from experiments.alignment.pairs import PairedReadings
from experiments.alignment.rating_pairs import load_cremad, load_oasis_vgmidi
from experiments.alignment.ravdess_pairs import load_ravdess
from experiments.datasets.data_root import DATA_ROOT


@dataclass(frozen=True)
class PairedSet:
    """A set: its loader, and its folders below the data root."""

    load: Callable[[Path], PairedReadings]
    folders: tuple[str, ...]


PAIRED_SETS: Mapping[str, PairedSet] = {
    "ravdess_moods": PairedSet(partial(load_ravdess, readings="moods"), ("ravdess_av_features",)),
    "ravdess_emotions": PairedSet(partial(load_ravdess, readings="emotions"), ("ravdess_av_features",)),
    "ravdess_features": PairedSet(load_ravdess, ("ravdess_av_features",)),
    "ravdess_speech": PairedSet(load_ravdess_speech, ("ravdess_av_features", "ravdess_speech")),
    "cremad_votes": PairedSet(load_cremad, ("cremad_votes",)),
    "liris_moods": PairedSet(partial(load_liris, readings="moods"), ("liris_accede_features",)),
    "liris_features": PairedSet(load_liris, ("liris_accede_features",)),
    "oasis_vgmidi": PairedSet(load_oasis_vgmidi, ("oasis", "vgmidi")),
}


def list_available_sets(data_root: Path = DATA_ROOT) -> tuple[str, ...]:
    """Names of the sets whose folders exist."""
    return tuple(
        name
        for name, paired_set in PAIRED_SETS.items()
        if all((data_root / folder).is_dir() for folder in paired_set.folders)
    )


def load_set(name: str, data_root: Path = DATA_ROOT) -> PairedReadings:
    """A set by name. Raises UnknownNameError, and AffectError where files are missing or malformed."""
    if name not in PAIRED_SETS:
        raise UnknownNameError(f"no set {name!r}; sets: {', '.join(PAIRED_SETS)}")
    try:
        return PAIRED_SETS[name].load(data_root)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise AffectError(f"set {name}: can't be read ({type(error).__name__}: {error})") from error
