"""The sets on which the dial is measured: OASIS, RAVDESS, the synthetic set, flickr1k."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from encoders import get_cache_dir
from experiments.affect_dial.gallery import Gallery, GalleryQuery, make_item_id
from experiments.affect_dial.held_out_pipeline import HeldOutPipeline
from experiments.affect_dial.held_out_speech import estimate_held_out_speech
from experiments.affect_dial.kept_estimates import load_or_compute
from experiments.datasets.flickr1k import load_flickr1k
from experiments.datasets.oasis import load_oasis
from experiments.datasets.ravdess import RavdessClip, load_ravdess_speech
from experiments.features.extraction import encode_items
from experiments.heads.image.evaluation import predict_held_out
from experiments.heads.image.training_set import exclude_test_split
from experiments.synthetic import SyntheticClip, generate_clips, render_dataset
from experiments.synthetic.captions import generate_caption, generate_captions
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.training import fit_heads, make_training_data
from retrieval.training.time_budget import make_closed_form_config
from retrieval.training.train_heads import make_default_config
from spaces.circumplex import LANDMARKS, load_emotion_categories
from spaces.joint import Heads

MOODS = ("happy", "calm", "sad", "angry")  # one of each quadrant of the plane
SYNTHETIC_CLIPS, SYNTHETIC_SEED = 400, 0
MIN_THEME_PHOTOS = 3  # of a theme that is asked for
CONTENT_ATTRIBUTES = ("shape", "colour", "action")  # of a synthetic clip: what is to be seen
UNSEEN_SPLITS = ("dev", "test")  # of the synthetic set: combinations that no head learnt


def load_oasis_gallery(data_root: Path, seed: int, folder: Path) -> Gallery:
    """Photos by their themes; their affect by heads that learnt from other themes."""
    config = PipelineConfig(activity="", sound="", events="", tone="")
    images = exclude_test_split(load_oasis(data_root))
    features = encode_items(FeaturePipeline(config), [(image.path,) for image in images]).mean_pool(
        len(images)
    )
    themes, affect = np.array([image.theme for image in images]), np.array([image.mean for image in images])
    estimates = load_or_compute(
        folder, "oasis", (features["objects"], themes, affect, seed),
        lambda: predict_held_out(data_root, seed=seed)[1].astype(np.float32),
    )  # fmt: skip
    relevant = {theme: frozenset(np.flatnonzero(themes == theme).tolist()) for theme in dict.fromkeys(themes)}
    large_themes = {theme: items for theme, items in relevant.items() if len(items) >= MIN_THEME_PHOTOS}
    plain = [
        GalleryQuery(parts={"text": theme.lower()}, relevant=items, group=theme)
        for theme, items in large_themes.items()
    ]
    return Gallery(
        name="oasis",
        description=f"{len(images)} photos (train and dev), asked for by the words of {len(plain)} themes; "
        "affect by heads of other themes",
        modality="image",
        pipeline=HeldOutPipeline(config, "image", "objects", features["objects"], estimates),
        features=features,
        affect=affect,
        content_queries=plain,
        worded_queries=[*plain, *(query for one in plain for query in _add_mood_words(one, "{mood} {text}"))],
    )


def load_ravdess_gallery(data_root: Path, seed: int, folder: Path) -> Gallery:
    """Voices, asked for by a neutral sentence of the same actor; their affect by heads of other actors."""
    config = PipelineConfig(objects="", activity="", faces="", text="")
    clips = load_ravdess_speech(data_root)
    untrained = FeaturePipeline(config, use_packaged=False)
    features = encode_items(untrained, [(clip.path,) for clip in clips]).mean_pool(len(clips))
    emotions = load_emotion_categories("ravdess", "expressed")
    affect = emotions.means[[emotions.names.index(clip.emotion) for clip in clips]]
    estimates = load_or_compute(
        folder, "ravdess", (features["tone"], affect, [clip.actor for clip in clips], seed),
        lambda: estimate_held_out_speech(clips, features["tone"], seed=seed),
    )  # fmt: skip
    plain = [_ask_for_actor(clips, number) for number in list_neutral_clips(clips)]
    return Gallery(
        name="ravdess",
        description=f"{len(clips)} spoken sentences (train and dev), asked for by {len(plain)} neutral ones "
        "of the same actor; affect by heads of other actors",
        modality="audio",
        pipeline=HeldOutPipeline(
            config, "sound", "tone", features["tone"],
            estimates, use_packaged=False,
        ),
        features=features,
        affect=affect,
        content_queries=plain,
        worded_queries=[
            query
            for one in plain
            for query in (_add_text(one, "a voice"), *_add_mood_words(one, "a voice that sounds {mood}"))
        ],
    )  # fmt: skip


def load_synthetic_gallery(data_root: Path, seed: int, folder: Path) -> Gallery:
    """Rendered clips of combinations that no head learnt, asked for by what is to be seen."""
    del data_root, folder  # rendered on the spot, and its heads take seconds
    config = PipelineConfig(sound="", events="", faces="")
    media = get_cache_dir() / f"synthetic-{SYNTHETIC_CLIPS}"
    render_dataset(media, SYNTHETIC_CLIPS, SYNTHETIC_SEED)
    clips = generate_clips(SYNTHETIC_CLIPS, SYNTHETIC_SEED)
    pipeline = FeaturePipeline(config, use_packaged=False)
    features = encode_items(pipeline, [(media / clip.name,) for clip in clips]).mean_pool(len(clips))
    train = np.array([number for number, clip in enumerate(clips) if clip.split not in UNSEEN_SPLITS])
    rest = np.array([number for number, clip in enumerate(clips) if clip.split in UNSEEN_SPLITS])
    heads = _fit_synthetic_heads(
        pipeline, {role: rows[train] for role, rows in features.items()}, [clips[n] for n in train], seed
    )
    shown = [clips[number] for number in rest]
    return Gallery(
        name="synthetic",
        description=f"{len(shown)} clips (dev and test) of combinations that the ridge heads did not learn, "
        "asked for by shape, colour and action; affect of their music by the packaged heads",
        modality="video",
        pipeline=FeaturePipeline(config, heads, use_packaged=False),
        features={role: rows[rest] for role, rows in features.items()},
        affect=np.array([(clip.valence, clip.arousal) for clip in shown], np.float64),  # None becomes NaN
        content_queries=_ask_for_combinations(shown),
        worded_queries=[query for number in range(len(shown)) for query in _ask_for_clip(shown, number)],
    )


def load_flickr_gallery(data_root: Path, seed: int, folder: Path) -> Gallery:
    """Photos of everyday scenes by their captions; no ratings, so that content alone is measured."""
    del seed, folder
    photos = [photo for photo in load_flickr1k(data_root) if photo.split == "dev"]
    pipeline = FeaturePipeline(PipelineConfig(activity="", sound="", events="", tone=""), use_packaged=False)
    queries = [
        GalleryQuery(parts={"text": caption}, relevant=frozenset({number}), group=photo.path.name)
        for number, photo in enumerate(photos)
        for caption in photo.labels
    ]
    return Gallery(
        name="flickr1k",
        description=f"{len(photos)} photos (dev) by {len(queries)} captions, in the untrained object space",
        modality="image",
        pipeline=pipeline,
        features=encode_items(pipeline, [(photo.path,) for photo in photos]).mean_pool(len(photos)),
        affect=np.full((len(photos), 2), np.nan),
        content_queries=(),
        worded_queries=queries,
    )


GALLERIES: Mapping[str, Callable[[Path, int, Path], Gallery]] = {
    "oasis": load_oasis_gallery,
    "ravdess": load_ravdess_gallery,
    "synthetic": load_synthetic_gallery,
    "flickr1k": load_flickr_gallery,
}
"""Loaders by name, from the folder of the data sets, a seed, and a folder that keeps what takes long. Raise
AffectError where data are missing."""


def _add_text(query: GalleryQuery, text: str) -> GalleryQuery:
    return GalleryQuery(parts={**query.parts, "text": text}, relevant=query.relevant, group=query.group)


def _add_mood_words(query: GalleryQuery, pattern: str) -> list[GalleryQuery]:
    """The query with each of MOODS in its words."""
    return [
        GalleryQuery(
            parts={**query.parts, "text": pattern.format(mood=mood, text=query.parts.get("text", ""))},
            relevant=query.relevant, group=query.group, target=LANDMARKS[mood],
        )
        for mood in MOODS
    ]  # fmt: skip


def list_neutral_clips(clips: Sequence[RavdessClip]) -> list[int]:
    """Positions of each actor's first neutral clips, one of each sentence (the fifth number of a name)."""
    first: dict[tuple[str, str], int] = {}
    for number, clip in enumerate(clips):
        if clip.emotion == "neutral":
            first.setdefault((clip.actor, clip.id.split("-")[4]), number)
    return sorted(first.values())


def _ask_for_actor(clips: Sequence[RavdessClip], number: int) -> GalleryQuery:
    """The other clips of the actor of a clip."""
    actor = clips[number].actor
    relevant = frozenset(at for at, clip in enumerate(clips) if clip.actor == actor and at != number)
    return GalleryQuery(parts={"item": make_item_id(number)}, relevant=relevant, group=actor)


def _ask_for_combinations(clips: Sequence[SyntheticClip]) -> list[GalleryQuery]:
    """A query for every combination of shape, colour and action."""
    members: dict[str, list[int]] = {}
    for number, clip in enumerate(clips):
        members.setdefault(clip.group, []).append(number)
    return [
        GalleryQuery(
            parts={"text": _describe(clips[numbers[0]], CONTENT_ATTRIBUTES)}, relevant=frozenset(numbers),
            group=group,
        )
        for group, numbers in members.items()
    ]  # fmt: skip


def _ask_for_clip(clips: Sequence[SyntheticClip], number: int) -> list[GalleryQuery]:
    """A clip by what is to be seen, and, unless it is silent, by its mood as well."""
    clip, relevant = clips[number], frozenset({number})
    plain = _describe(clip, CONTENT_ATTRIBUTES)
    queries = [GalleryQuery(parts={"text": plain}, relevant=relevant, group=clip.group)]
    if clip.valence is not None and clip.arousal is not None:
        text = _describe(clip, (*CONTENT_ATTRIBUTES, "mood"))
        target = clip.valence, clip.arousal
        queries.append(GalleryQuery(parts={"text": text}, relevant=relevant, group=clip.group, target=target))
    return queries


def _describe(clip: SyntheticClip, attributes: Sequence[str]) -> str:
    return generate_caption(clip, attributes, clip.make_rng(len(attributes) + 10))


def _fit_synthetic_heads(
    pipeline: FeaturePipeline, features: Mapping[str, np.ndarray], clips: Sequence[SyntheticClip], seed: int
) -> dict[str, Heads]:
    """Ridge heads of the object and activity spaces, from the captions of these clips."""
    captions = [generate_captions(clip) for clip in clips]
    config = make_closed_form_config(make_default_config(len(clips)))
    heads = {}
    for space in pipeline.spaces:
        data = make_training_data(pipeline, space, features, captions, [clip.group for clip in clips])
        if data is not None:
            heads[space.name] = fit_heads(data, config, seed=seed).heads
    return heads
