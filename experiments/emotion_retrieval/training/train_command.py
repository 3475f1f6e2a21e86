"""`python -m experiments.emotions train`: CLIP-ViP without emotions and with them, on a user's videos."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, to_printable
from experiments.emotion_retrieval.training.config_file import read_config
from experiments.emotion_retrieval.training.model_names import MODEL_NAMES

PATH = click.Path(path_type=Path)
DECAY_RULE_NAMES = ("standard", "clip-vip")  # of `video_text_model.DECAY_RULES`, which needs torch


@click.command("train", short_help="Train CLIP-ViP without emotions and with them.")
@click.option(
    "--config", type=PATH, is_eager=True, expose_value=False, callback=read_config,
    help="A .json or .toml file with any of these options by name.",
)  # fmt: skip
@click.option("--clip", type=PATH, required=True, help="Folder of CLIP, as transformers writes it.")
@click.option(
    "--checkpoint", type=PATH, help="CLIP-ViP's .pt file, or the emotion report's; else CLIP alone."
)
@click.option("--records", type=PATH, required=True, help="Captions with emotions, in the report's format.")
@click.option("--videos", type=PATH, required=True, help="Folder with a file for each video id.")
@click.option("--out", type=PATH, default=Path("runs/clipvip"), show_default=True)
@click.option(
    "--conditioning", "models", type=click.Choice(MODEL_NAMES), multiple=True,
    default=("none", "report", "gated-output"), show_default=True,
    help="How emotions enter the text tower, a model each; can be repeated.",
)  # fmt: skip
@click.option(
    "--dev", type=click.FloatRange(0, 1, max_open=True), default=0.1, show_default=True,
    help="Share of the videos held out to choose the best epoch; 0 takes the last.",
)  # fmt: skip
@click.option("--dev-ids", type=PATH, help="A file with the ids of the videos held out, one a line.")
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--batch", type=click.IntRange(2), default=64, show_default=True)
@click.option("--accumulate", type=click.IntRange(1), default=8, show_default=True, help="Batches of a step.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=1e-6, show_default=True)
@click.option(
    "--new-rate-factor", type=click.FloatRange(0, min_open=True), default=100.0, show_default=True,
    help="How many times as fast weights are trained that no file has; 1 in the report.",
)  # fmt: skip
@click.option(
    "--warm-up", "rise", type=click.FloatRange(0, 1, max_open=True), default=0.01, show_default=True
)
@click.option("--weight-decay", type=click.FloatRange(0), default=0.2, show_default=True)
@click.option(
    "--decay-rule", type=click.Choice(DECAY_RULE_NAMES), default="standard", show_default=True,
    help="clip-vip decays gains of norms and embeddings too, as its code does.",
)  # fmt: skip
@click.option("--clip-norm", type=click.FloatRange(0), default=1.0, show_default=True, help="0: no limit.")
@click.option(
    "--draw", type=click.Choice(["items", "texts"]), default="items", show_default=True,
    help="An epoch is every video once with one of its captions, or every caption once.",
)  # fmt: skip
@click.option(
    "--loss", default="nce", show_default=True,
    help="nce (trained temperature), nce-dsl (with the dual softmax), infonce (a fixed temperature), vse, "
    "vse++, weighted or semi-hard.",
)  # fmt: skip
@click.option(
    "--loss-warm-up", "warm", type=click.IntRange(0), default=1, show_default=True,
    help="First epochs of vse++, weighted and semi-hard on the loss vse.",
)  # fmt: skip
@click.option("--init-std", type=click.FloatRange(0), default=0.02, show_default=True, help="Of embeddings.")
@click.option("--weighting", type=click.Choice(["binary", "soft"]), default="binary", show_default=True)
@click.option(
    "--emotion-dropout", "dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, show_default=True
)
@click.option(
    "--affect", type=PATH,
    help="A CSV file: video_id and numbers of unit size, such as valence and arousal. The video side of "
    "models other than none and report adds them by a gate.",
)  # fmt: skip
@click.option("--max-tokens", type=click.IntRange(3), default=77, show_default=True, help="Of a caption.")
@click.option("--frames", "frame_cache", type=PATH, help="Where decoded frames are kept; OUT/frames.")
@click.option("--skip-unreadable", is_flag=True, help="Train without videos that are missing or damaged.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
    help="auto: bfloat16 on a GPU that has it, float32 on a CPU.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *, as_json: bool, out: Path, frame_cache: Path | None, skip_unreadable: bool, **options: Any
) -> None:
    """Train CLIP-ViP without emotions and with them, all models under one configuration.

    --records is a JSON list of {"video_id", "caption", "emotion", "joy", ...}; a caption may be a list, of
    which one is drawn at each visit. --videos has VIDEO_ID.mp4 (or .avi, .webm, .mkv, .mov); 12 of their
    frames, of 6 a second, are read with the jitter of CLIP-ViP's code. Every model is written into OUT/NAME
    with CLIP's tokenizer, a card and its history, and can be used as `--encoders activity=clipvip:OUT/NAME`.

    The defaults are the emotion report's, but for the rate of what is new and what is decayed; a pool of
    negatives is one batch. Videos are decoded once, which takes 13 MB of disk for 15 seconds at 224 pixels.
    An interrupted run goes on after its last whole epoch, with the same result.

    \b
    python -m experiments.emotions train --clip clip-vit-base-patch32 \\
        --checkpoint pretrain_clipvip_base_32.pt --records train6k.json --videos videos \\
        --conditioning none --conditioning report
    """
    from experiments.emotion_retrieval.training.training_data import read_training_data
    from experiments.emotion_retrieval.training.training_run import train_models
    from experiments.statistics.provenance import describe_provenance
    from retrieval.progress_reporter import ProgressReporter

    training_options = make_options(options)
    provenance = describe_provenance("experiments.emotions", sys.argv[1:])
    with ProgressReporter("emotions", unit="videos") as report:
        data = read_training_data(
            training_options, frame_cache or out / "frames", skip_unreadable=skip_unreadable,
            on_video=lambda done, total: report.update("decoding", done, total),
        )  # fmt: skip
    with ProgressReporter("emotions", unit="batches") as report:
        results = train_models(training_options, data, out, provenance, report.update)
    if as_json:
        click.echo(json.dumps({"out": str(out), "models": results}))
        return
    for name, result in results.items():
        click.echo(f"{to_printable(out / name)}: {format_result(result)}")


def make_options(options: dict[str, Any]) -> Any:
    """The `TrainingOptions` of the command line. Raises AffectError for values that don't fit together."""
    from experiments.emotion_retrieval.data.affect_table import read_affect
    from experiments.emotion_retrieval.training.training_options import LOSS_NAMES, TrainingOptions
    from spaces.joint import Schedule

    options["affect"] = read_affect(options["affect"]) if options["affect"] else None
    if options["loss"] not in LOSS_NAMES:
        raise AffectError(f"no loss {options['loss']!r}; known: {', '.join(LOSS_NAMES)}")
    fields = ("epochs", "batch", "accumulate", "rate", "rise", "weight_decay", "draw", "warm")
    try:
        schedule = Schedule(
            decay="cosine", clip=options.pop("clip_norm"), **{name: options.pop(name) for name in fields}
        )
        return TrainingOptions(schedule=schedule, **options)
    except ValueError as error:
        raise AffectError(str(error)) from error


def format_result(result: dict[str, Any]) -> str:
    """One line: the epoch that is used and recall on dev."""
    epochs = f"epoch {result['best epoch']} of {len(result['history'])}"
    if result["dev"] is None:
        return epochs
    t2v, v2t = ("{value:.1f} ({low:.1f} to {high:.1f})".format(**result["dev"][side]["R@1"])
                for side in ("T2V", "V2T"))  # fmt: skip
    return f"{epochs}, R@1 on dev: text to video {t2v}, video to text {v2t}"
