"""The synthetic set as videos with sound for CLIP-ViP: texts that name moods, and the affect of their music.

What a text says of emotion is read by lexicons and by this project's text regressor, and a video's affect is
this project's own estimate from its sound. The truth of the generator is for the evaluation alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Frames, Rows
from encoders.lexicon import EMOTIONS, count_nrc_emotions
from experiments.datasets.records import DatasetItem
from experiments.emotion_retrieval.data.video_frames import read_video_frames
from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from experiments.features.extraction import encode_items
from experiments.synthetic import MOODS, SyntheticClip, generate_clips, render_dataset
from experiments.synthetic.captions import SYNONYMS
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.search.words_mood import read_mood_of_words
from spaces.joint import Vocabulary
from spaces.joint.vocabulary import tokenise

SOUND_ONLY = PipelineConfig(objects="", activity="", faces="", text="")
"""The roles that hear; the sentiment of texts is of it too."""

AFFECT_DIRECTIONS = ("pleasant", "unpleasant", "aroused", "calm")
SOFT_EMOTIONS = (*EMOTIONS, *AFFECT_DIRECTIONS)
"""The lexicon's emotions, and the four directions of valence and arousal."""

SPLITS = ("train", "dev", "test")
MAX_WORDS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class MoodClips:
    """Videos and texts of one split.

    pairs:        emotions by SOFT_EMOTIONS, affect (videos, 2) of the sound, standardised on the training
                  split, NaN for silent videos
    named_mood:   (texts, 2) valence and arousal of the mood that the text names, NaN for none
    true_affect:  (videos, 2) of the generator, NaN for silent videos
    combinations: shape, colour and action of each video
    """

    pairs: VideoPairs
    named_mood: npt.NDArray[np.float64]
    true_affect: npt.NDArray[np.float64]
    combinations: tuple[str, ...]

    @property
    def names_mood(self) -> npt.NDArray[np.bool_]:
        """(texts,) whether a text names a mood."""
        return np.asarray(np.isfinite(self.named_mood).all(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class MoodClipSplits:
    """The three splits, and the number of token ids."""

    by_split: Mapping[str, MoodClips]
    vocabulary_size: int


def load_mood_clips(
    folder: Path, count: int, seed: int, *, side: int, frame_count: int, quiet: bool = False
) -> MoodClipSplits:
    """Render what is missing of the first clips of a seed, and read frames, sound and texts.

    folder: of the clips; frames are cached beside them
    side, frame_count: of the frames that the model sees
    """
    dataset = render_dataset(folder / "clips", count, seed, quiet=quiet)
    clips = {clip.name: clip for clip in generate_clips(count, seed)}
    paths = {item.id: item.media[0] for item in dataset.items}
    frames = read_video_frames(paths, side=side, cache_folder=folder / "frames").require_all()
    pipeline = FeaturePipeline(SOUND_ONLY)
    affect = estimate_sound_affect(pipeline, paths, quiet=quiet)
    sounding = np.array(
        [row for item in dataset.items if item.split == "train" and np.isfinite(row := affect[item.id]).all()]
    )
    mean, scale = sounding.mean(0), sounding.std(0)
    standardised = {name: ((row - mean) / scale).astype(np.float32) for name, row in affect.items()}
    texts = [text for item in dataset.items if item.split == "train" for text in item.captions]
    vocabulary = Vocabulary.from_sentences(texts)
    by_split = {
        split: _make_clips(
            [item for item in dataset.items if item.split == split],
            clips, frames, standardised, vocabulary, pipeline, frame_count,
        )
        for split in SPLITS
    }  # fmt: skip
    return MoodClipSplits(by_split=by_split, vocabulary_size=len(vocabulary))


def estimate_sound_affect(
    pipeline: FeaturePipeline, paths: Mapping[str, Path], *, quiet: bool = False
) -> dict[str, Rows]:
    """Valence and arousal (2,) by name of file, as the engine hears them; NaN for files without sound."""
    encoded = encode_items(pipeline, [(path,) for path in paths.values()], quiet=quiet)
    estimate = pipeline.estimate_affect(encoded.mean_pool(len(paths)))
    return dict(zip(paths, estimate.fused[:, :2], strict=True))


def read_soft_emotions(texts: Sequence[str], pipeline: FeaturePipeline) -> Rows:
    """(n, 12) weights by SOFT_EMOTIONS in [0, 1].

    The lexicon's emotions are there or not. The four directions are the parts of valence and arousal of the
    text's words of emotion, by the text regressor, which was fitted to ratings; 0 for a text without such
    words.
    """
    rows = np.zeros((len(texts), len(SOFT_EMOTIONS)), np.float32)
    for row, text in zip(rows, texts, strict=True):
        counts = count_nrc_emotions(text)
        row[: len(EMOTIONS)] = [counts[name] > 0 for name in EMOTIONS]
        mood = read_mood_of_words(text, pipeline)
        if mood is None:
            continue
        valence, arousal = mood.point
        row[len(EMOTIONS) :] = np.maximum((valence, -valence, arousal, -arousal), 0)
    return rows


def find_named_mood(text: str) -> tuple[float, float]:
    """Valence and arousal of the mood that a caption of the generator names; NaN for none."""
    words = set(tokenise(text))
    named = [mood for mood, synonyms in SYNONYMS["mood"].items() if words.intersection(synonyms)]
    return MOODS[named[0]] if named else (np.nan, np.nan)


def _make_clips(
    items: Sequence[DatasetItem], clips: Mapping[str, SyntheticClip], frames: Mapping[str, Frames],
    affect: Mapping[str, Rows], vocabulary: Vocabulary, pipeline: FeaturePipeline, frame_count: int,
) -> MoodClips:  # fmt: skip
    texts = [text for item in items for text in item.captions]
    token_ids = vocabulary.encode(texts, MAX_WORDS)
    shown = [clips[item.id] for item in items]
    return MoodClips(
        pairs=VideoPairs(
            video_ids=tuple(item.id for item in items),
            frames=tuple(frames[item.id] for item in items),
            token_ids=token_ids,
            token_mask=(token_ids != 0).astype(np.int64),
            emotions=read_soft_emotions(texts, pipeline),
            item_by_text=np.repeat(np.arange(len(items)), [len(item.captions) for item in items]),
            affect=np.stack([affect[item.id] for item in items]),
            frame_count=frame_count,
        ),
        named_mood=np.array([find_named_mood(text) for text in texts]),
        true_affect=np.array([(clip.valence, clip.arousal) for clip in shown], np.float64),
        combinations=tuple(clip.group for clip in shown),
    )
