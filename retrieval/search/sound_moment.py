"""The moment of a result at which the sound events that a text asks for are strongest."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from encoders import MIN_CLASS_SCORE, Audio, MediaError, Rows, unit_rows
from encoders.media import Sampling, probe, read_segments_at
from retrieval.features import EVENTS_ROLE, FeaturePipeline
from retrieval.search.hits import Hit
from retrieval.storage import AnyLibrary, FileStamp
from spaces import CombinedSpace, LabelAttentionSpace, Space
from spaces.joint import JointSpace

AUDIO_SPACE = "audio"
DECIMALS = 2  # of the moment, in seconds


class SoundMoment(NamedTuple):
    """Seconds from the start of a file, and the strongest class of sound then; None if none is certain."""

    seconds: float
    event: str | None


def encode_sound_text(library: AnyLibrary, text: str) -> Rows | None:
    """(1, d) unit sentence vector of a text for `find_sound_moment`; None where no class is near it."""
    space = find_label_attention(library.pipeline)
    if space is None:
        return None
    sentences = unit_rows(space.text_encoder.encode([text]))
    return None if np.isnan(space.attend(sentences)).any() else sentences


def find_sound_moment(library: AnyLibrary, hit: Hit, sentences: Rows) -> SoundMoment | None:
    """The moment of a hit's segment that is most like a text; decodes the sound of the segment.

    sentences: (1, d) of the text by `encode_sound_text`

    None where the audio space says nothing of the hit, or the file is not as it was indexed.
    """
    space = find_label_attention(library.pipeline)
    if space is None or hit.space_scores.get(AUDIO_SPACE) is None or hit.start is None:
        return None
    audio = _read_sound(library, hit.path, hit.start)
    if audio is None:
        return None
    scores = space.classifier.score_patches(audio)
    best = int(np.argmax(space.compare(sentences, scores)[0]))
    centre = float(space.classifier.locate_patches(audio)[best])
    is_sure = scores[best].max() >= MIN_CLASS_SCORE
    event = space.classifier.classes[int(scores[best].argmax())] if is_sure else None
    return SoundMoment(round(hit.start + centre, DECIMALS), event)


def find_label_attention(pipeline: FeaturePipeline) -> LabelAttentionSpace | None:
    """The part of a pipeline's audio space that compares texts with sound events; None without one."""
    if not pipeline.has_role(EVENTS_ROLE):
        return None
    space: Space = next(space for space in pipeline.spaces if space.name == AUDIO_SPACE)
    while isinstance(space, JointSpace):
        space = space.base_space
    parts = space.parts if isinstance(space, CombinedSpace) else (space,)
    return next((part for part in parts if isinstance(part, LabelAttentionSpace)), None)


def _read_sound(library: AnyLibrary, path: str, start: float) -> Audio | None:
    """Sound of the segment that begins at `start` seconds; None without any, or where it can't be read."""
    sampling = Sampling(
        segment_seconds=library.segment_seconds,
        sample_rate=library.pipeline.sample_rate,
        skip_track="pictures",
    )
    record = library.catalog.find_file(Path(path))
    try:
        if record is None or not record.stamp.matches(FileStamp.from_path(Path(path))):
            return None  # it may have another content by now
        file_probe = probe(Path(path))
        segments = list(read_segments_at(Path(path), file_probe, [start], sampling))
    except (MediaError, OSError):
        return None
    return segments[0].audio if segments else None
