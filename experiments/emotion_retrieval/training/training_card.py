"""The card of a trained model: its data, its configuration, its figures on dev, the command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from experiments.emotion_retrieval.training.training_data import evaluate_pairs
from experiments.emotion_retrieval.training.video_text_model import VideoTextModel
from experiments.statistics.markdown import format_estimate, format_markdown_table
from retrieval.evaluation import Estimate

CARD_FILE = "card.md"
CARD_METRICS = ("R@1", "R@5", "R@10", "MdR", "MnR")
LICENCE_NOTE = (
    "The weights are derived from those of the files below and from the data: their licences hold for them. "
    "CLIP and CLIP-ViP are under the MIT licence; MSR-VTT and most collections of videos are for research "
    "only."
)


def measure_dev(model: VideoTextModel, pairs: VideoPairs, seed: int) -> dict[str, dict[str, Any]]:
    """By direction and metric the value with its 95 % interval; queries of a video are taken together."""
    evaluation = evaluate_pairs(model, pairs)
    return {
        side.name: {
            metric: Estimate(side.compute_metric(metric), *side.compute_interval(metric, seed=seed)).to_json()
            for metric in CARD_METRICS
        }
        for side in (evaluation.t2v, evaluation.v2t)
    }


def format_card(result: Mapping[str, Any]) -> str:
    """The card in Markdown, of what `TrainingRun.train` returns."""
    data, settings = result["data"], result["settings"]
    lines = [
        f"# CLIP-ViP, emotions: {result['name']}",
        "",
        f"Files: {', '.join(f'{kind} {name}' for kind, name in result['files'].items())}.",
        f"Data: {_format_data(data)}",
        *(f"Note: {note}" for note in data["notes"]),
        f"Licence: {LICENCE_NOTE}",
        f"Command: `{result['provenance']['command']}` (commit {result['provenance']['commit']})",
        "",
        f"Epoch {result['best epoch']} of {len(result['history'])} is used, temperature "
        f"{result['temperature']:.4f}. Trained on {result['device']} in "
        f"{'bfloat16' if result['bfloat16'] else 'float32'}.",
        "",
        *_format_dev(result["dev"]),
        "",
        "## Settings",
        "",
        *(f"* {name}: {value}" for name, value in settings.items()),
        "",
        "## History",
        "",
        *format_markdown_table(
            ("epoch", "loss", "rsum on dev", "learning rate", "seconds"),
            [
                (str(epoch["number"]), f"{epoch['loss']:.4f}",
                 "" if epoch["score"] is None else f"{epoch['score']:.1f}",
                 f"{epoch['rate']:.2e}", f"{epoch['seconds']:.1f}")
                for epoch in result["history"]
            ],
            align_right=True,
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _format_data(data: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {data[name]['videos']} videos with {data[name]['captions']} captions, "
        f"{data[name]['with emotion']} of them with an emotion"
        for name in ("train", "dev")
        if name in data
    ]
    return f"{'; '.join(parts)} (digest {data['digest'][:16]})."


def _format_dev(dev: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    if dev is None:
        return ["No videos were held out, so that nothing is known of its figures."]
    rows = [
        [direction, *(format_estimate(Estimate(**metrics[name]), ".1f") for name in CARD_METRICS)]
        for direction, metrics in dev.items()
    ]
    return [
        "On dev, by which the epoch was chosen (so that they flatter), with 95 % intervals over videos:",
        "",
        *format_markdown_table(["", *CARD_METRICS], rows, align_right=True),
    ]
