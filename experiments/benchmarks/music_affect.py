"""Affect of music by the head's regressor, with the rows of other encoders beside its own."""

from __future__ import annotations

from pathlib import Path

import click

from experiments.datasets import DATA_ROOT
from experiments.statistics.report import add_seed_option, json_option, print_report


@click.command("music", short_help="Affect of music, with the rows of other encoders added.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--encoders", default="musicnn", show_default=True, help="To add, joined by commas.")
@add_seed_option
@json_option
def command(data: Path, encoders: str, seed: int, as_json: bool) -> None:
    """VGMIDI's pieces of train and dev, whole game series held out in turn; copies, unrated music of
    Wesnoth and Sonic Pi and ridge regression as in the audio head.

    Each row is the head's own encoder with one of ENCODERS added, or with all.
    """
    from experiments.heads.audio_affect.added_encoders import load_music, run_benchmark
    from experiments.heads.audio_affect.clips import ENCODER_NAME

    names = [name.strip() for name in encoders.split(",") if name.strip()]
    clips = load_music(data, [ENCODER_NAME, *names], seed)
    print_report(run_benchmark(clips, seed), as_json=as_json)
