"""Estimates of sounds that are neither speech nor music, beside people's ratings of the word for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import is_missing_row
from experiments.affect_scale.rated_estimates import CORPUS, RatedEstimates
from experiments.datasets.animal_sounds import load_animal_captions
from experiments.datasets.av_clips import load_av_clips
from experiments.datasets.sounds_by_word import load_sounds_by_word
from experiments.datasets.warriner import load_word_norms
from experiments.features.extraction import encode_items
from retrieval.features import FeaturePipeline, PipelineConfig
from spaces.affect_regression import AUDIO_KINDS, load_event_affect

MAX_SOUNDS_PER_WORD = 10  # evenly spaced in the order of the set: one word has a hundred


def load_sound_estimates(data_root: Path, seed: int) -> RatedEstimates:
    """Sounds of sounds_by_word, animal_sounds and av_clips whose word has norms, by the packaged head.

    Those that it takes for speech or music are left out. What is rated is the word, not the sound: a sound
    lies about its word as far as pictures of one theme lie about their mean. No rating of a sound and none of
    these norms was used for the head. Nothing here is random.
    """
    del seed
    norms = load_word_norms(data_root)
    files = select_sounds(list_worded_sounds(data_root), norms)
    pipeline = FeaturePipeline(PipelineConfig(objects="", activity="", sound="", faces=""))
    rows = encode_items(pipeline, [(path,) for path, _ in files]).mean_pool(len(files))
    estimates = pipeline.estimate_affect_by_modality(rows)["sound"]
    kinds = pipeline.affect_model.predict_audio_kind(rows)
    other = np.nan_to_num(kinds[:, AUDIO_KINDS.index("other")]) > 0.5 if kinds is not None else False
    is_used = ~is_missing_row(estimates) & other
    words = np.array([word for _, word in files])[is_used]
    table = load_event_affect()
    return RatedEstimates(
        corpus="word norms",
        kind="sound",
        estimates=estimates[is_used],
        ratings=np.array([norms[word] for word in words]),
        rating_sds=np.tile(table.between_sounds_sd if table else (0.0, 0.0), (len(words), 1)),
        groups=words,
        held_out=CORPUS,
    )


def list_worded_sounds(data_root: Path) -> list[tuple[Path, str]]:
    """Files with the word for what is heard in them."""
    sounds = [(sound.path, sound.labels[0]) for sound in load_sounds_by_word(data_root)]
    for dataset in (load_animal_captions(data_root), load_av_clips(data_root)):
        sounds += [(item.media[0], item.captions[0]) for item in dataset.items]
    return sounds


def select_sounds(
    sounds: Sequence[tuple[Path, str]], norms: Mapping[str, tuple[float, float]]
) -> list[tuple[Path, str]]:
    """Those whose word has norms, at most MAX_SOUNDS_PER_WORD of each."""
    paths_by_word: dict[str, list[Path]] = {}
    for path, word in sounds:
        if word in norms:
            paths_by_word.setdefault(word, []).append(path)
    return [
        (paths[i], word)
        for word, paths in sorted(paths_by_word.items())
        for i in np.unique(np.linspace(0, len(paths) - 1, MAX_SOUNDS_PER_WORD).round().astype(int))
    ]
