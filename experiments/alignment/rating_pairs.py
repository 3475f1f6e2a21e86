"""People's ratings as readings: votes on CREMA-D, and OASIS pictures with VGMIDI pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.alignment.emotion_labels import look_up_affect
from experiments.alignment.pairs import AFFECT_COLUMNS, Floats, PairedReadings, draw_evenly
from experiments.alignment.ravdess_pairs import WITHIN_ACTOR_NOTE
from experiments.datasets.crema_d import Vote, load_crema_d
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.oasis import load_oasis
from experiments.datasets.vgmidi import load_vgmidi
from spaces.circumplex import EMOTION_SCHEMES, find_quadrants, map_emotions_to_affect


def load_cremad(data_root: Path = DATA_ROOT) -> PairedReadings:
    """Votes on a clip's voice alone and on its face alone (Cao et al. 2014), as valence and arousal.

    The upper bound of what two modalities share when people rate both. A vote is weighted by its mean level.
    """
    clips = load_crema_d(data_root)
    clips = [clips[row] for row in draw_evenly(len(clips))]
    intended = np.array([clip.emotion for clip in clips])
    return PairedReadings(
        name="cremad votes",
        modalities=("voice", "face"),
        source=_average_votes([clip.voice_votes for clip in clips]),
        target=_average_votes([clip.face_votes for clip in clips]),
        columns=AFFECT_COLUMNS,
        groups=np.array([clip.actor for clip in clips]),
        emotions=intended,
        affect=look_up_affect(intended, "fer"),
        exchange="within",
        is_test=np.array([clip.split == "test" for clip in clips]),
        notes=(
            f"{len(clips)} clips, drawn evenly; people's votes, the ceiling of what voice and face share",
            WITHIN_ACTOR_NOTE,
        ),
    )


def load_oasis_vgmidi(data_root: Path = DATA_ROOT, *, seed: int = 0) -> PairedReadings:
    """OASIS pictures and VGMIDI pieces by people's ratings: a control, since no picture belongs to a piece.

    Pairs are drawn at random within a quadrant of both planes, about their medians. They agree by
    construction, whatever the hypothesis: the study measures how strongly such circular pairs agree.
    """
    pictures = [image for image in load_oasis(data_root) if image.split != "test"]
    pieces = [piece for piece in load_vgmidi(data_root) if piece.split != "test"]
    picture_affect = np.array([image.mean for image in pictures])
    piece_affect = np.array([(piece.valence, piece.arousal) for piece in pieces])
    picture_quadrants, piece_quadrants = (
        np.array(find_quadrants(affect - np.median(affect, axis=0)))
        for affect in (picture_affect, piece_affect)
    )
    rng = np.random.default_rng(seed)
    matches: list[tuple[int, int]] = []
    for quadrant in np.unique(piece_quadrants):
        piece_order = rng.permutation(np.flatnonzero(piece_quadrants == quadrant))
        picture_order = rng.permutation(np.flatnonzero(picture_quadrants == quadrant))
        matches += zip(picture_order.tolist(), piece_order.tolist(), strict=False)
    picture_rows, piece_rows = (np.array(side) for side in zip(*sorted(matches), strict=True))
    return PairedReadings(
        name="oasis x vgmidi",
        modalities=("picture", "music"),
        source=picture_affect[picture_rows],
        target=piece_affect[piece_rows],
        columns=AFFECT_COLUMNS,
        groups=np.array([pieces[row].group for row in piece_rows]),
        emotions=piece_quadrants[piece_rows],
        construction="pairs were drawn within quadrants of the ratings themselves",
        notes=("no picture has a piece of its own: pairs are made from the ratings, and so must agree",),
    )


def _average_votes(votes_by_clip: Sequence[Sequence[Vote]]) -> Floats:
    """(n, 2) valence and arousal of the votes of each clip, weighted by their levels."""
    class_names = EMOTION_SCHEMES["fer"]
    shares = np.zeros((len(votes_by_clip), len(class_names)))
    for row, votes in enumerate(votes_by_clip):
        for vote in votes:
            shares[row, class_names.index(vote.emotion)] += vote.level
    return map_emotions_to_affect(shares, "fer", "hand")[:, :2]
