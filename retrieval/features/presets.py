"""Presets: encoders that go well together, by name, for `affect index --preset`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from encoders import ENCODERS, MissingBackendError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Encoders by role; a role that is not named keeps its default.

    description: what it is for
    costs:       size and origin of the weights, and what else it costs
    """

    name: str
    description: str
    costs: str
    encoder_by_role: Mapping[str, str]


DEFAULT_PRESET = "packaged"
PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name=DEFAULT_PRESET,
            description="the default: encoders whose weights come with Python packages",
            costs="nothing to fetch",
            encoder_by_role={},
        ),
        Preset(
            name="hub",
            description="CLIP for pictures and words, CLAP for sounds and words",
            costs="1.2 GB to fetch from huggingface.co (openai/clip-vit-base-patch32, .6 GB, MIT; "
            "laion/clap-htsat-unfused, .6 GB, Apache-2.0) and 1.2 GB of cache; on a CPU a photo takes five "
            "times as long to encode, a sound twice; no affect of pictures, whose heads read the packaged "
            "encoder",
            encoder_by_role={"objects": "clip-vit-base-patch32", "sound": "clap-htsat-unfused"},
        ),
    )
}


def find_missing_encoders(names: Iterable[str]) -> dict[str, MissingBackendError]:
    """By name, why encoders can't be used here; empty where all can."""
    missing = {}
    for name in names:
        try:
            ENCODERS.make(name)
        except MissingBackendError as error:
            missing[name] = error
    return missing


def check_encoders_available(names: Iterable[str]) -> None:
    """Raises MissingBackendError that names all encoders that can't be used here."""
    if missing := find_missing_encoders(names):
        raise MissingBackendError(
            f"{' and '.join(missing)}: not on this machine, and nothing is fetched unasked; "
            "'affect encoders --check' says what to run"
        )
