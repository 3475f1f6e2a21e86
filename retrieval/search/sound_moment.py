"""The moment of a result at which the sound events that a text asks for are strongest."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from encoders import MIN_CLASS_SCORE, Audio, EventClassifier, MediaError, Rows, unit_rows
from encoders.media import Sampling, probe, read_segments_at
from retrieval.features import EVENTS_ROLE, FeaturePipeline
from retrieval.search.hits import Hit
from retrieval.storage import AnyLibrary, FileStamp
from spaces import CombinedSpace, LabelAttentionSpace, Space
from spaces.joint import JointSpace

AUDIO_SPACE = "audio"
DECIMALS = 2  # of the moment, in seconds
MAX_KEPT = 256  # segments, 64 kB each


class SoundMoment(NamedTuple):
    """Seconds from the start of a file, and the strongest class of sound then; None if none is certain."""

    seconds: float
    event: str | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _PatchScores:
    """Scores (p, classes) of the patches of a sound, and the second (p,) in the middle of each."""

    scores: Rows
    centres: npt.NDArray[np.float64]


def encode_sound_text(library: AnyLibrary, text: str) -> Rows | None:
    """(1, d) unit sentence vector of a text for `SoundMomentFinder`; None where no class is near it."""
    space = find_label_attention(library.pipeline)
    if space is None:
        return None
    sentences = unit_rows(space.text_encoder.encode([text]))
    return None if np.isnan(space.attend(sentences)).any() else sentences


class SoundMomentFinder:
    """Finds the moments of one library's hits; keeps the scores of the segments that it decoded last."""

    def __init__(self, library: AnyLibrary) -> None:
        self._library = library
        self._kept: OrderedDict[tuple[str, FileStamp, float], _PatchScores | None] = OrderedDict()

    def find(self, hit: Hit, sentences: Rows) -> SoundMoment | None:
        """The moment of a hit's segment that is most like a text; decodes the sound of the segment.

        sentences: (1, d) of the text by `encode_sound_text`

        None where the audio space says nothing of the hit, or the file is not as it was indexed.
        """
        space = find_label_attention(self._library.pipeline)
        if space is None or hit.space_scores.get(AUDIO_SPACE) is None or hit.start is None:
            return None
        patches = self._score_segment(space.classifier, hit.path, hit.start)
        if patches is None:
            return None
        best = int(np.argmax(space.compare(sentences, patches.scores)[0]))
        row = patches.scores[best]
        event = space.classifier.classes[int(row.argmax())] if row.max() >= MIN_CLASS_SCORE else None
        return SoundMoment(round(hit.start + float(patches.centres[best]), DECIMALS), event)

    def _score_segment(self, classifier: EventClassifier, path: str, start: float) -> _PatchScores | None:
        """Scores of the segment that begins at `start` seconds; None without sound, or of a changed file."""
        record = self._library.catalog.find_file(Path(path))
        try:
            if record is None or not record.stamp.matches_content(FileStamp.from_path(Path(path))):
                return None  # it may have another content by now
        except OSError:
            return None
        key = path, record.stamp, start
        if key not in self._kept:
            audio = _read_sound(self._library, path, start)
            self._kept[key] = None if audio is None else _score_patches(classifier, audio)
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def find_label_attention(pipeline: FeaturePipeline) -> LabelAttentionSpace | None:
    """The part of a pipeline's audio space that compares texts with sound events; None without one."""
    if not pipeline.has_role(EVENTS_ROLE):
        return None
    space: Space = next(space for space in pipeline.spaces if space.name == AUDIO_SPACE)
    while isinstance(space, JointSpace):
        space = space.base_space
    parts = space.parts if isinstance(space, CombinedSpace) else (space,)
    return next((part for part in parts if isinstance(part, LabelAttentionSpace)), None)


def _score_patches(classifier: EventClassifier, audio: Audio) -> _PatchScores:
    return _PatchScores(scores=classifier.score_patches(audio), centres=classifier.locate_patches(audio))


def _read_sound(library: AnyLibrary, path: str, start: float) -> Audio | None:
    """Sound of the segment that begins at `start` seconds; None without any, or where it can't be read."""
    sampling = Sampling(
        segment_seconds=library.segment_seconds,
        sample_rate=library.pipeline.sample_rate,
        skip_track="pictures",
    )
    try:
        segments = list(read_segments_at(Path(path), probe(Path(path)), [start], sampling))
    except (MediaError, OSError):
        return None
    return segments[0].audio if segments else None
