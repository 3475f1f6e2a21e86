"""The purity of neighbours by emotion, on features with and without planted clusters; the map."""

import io

import numpy as np
import pytest
from PIL import Image

from encoders import AffectError, unit_rows
from encoders.lexicon import EMOTIONS
from experiments.emotion_retrieval.exploration.emotion_clusters import (
    LABELS,
    NONE,
    TEXT,
    TOGETHER,
    VIDEO,
    LabelledSet,
    choose_labels,
    count_labels,
    find_neighbours,
    measure_purities,
)
from experiments.emotion_retrieval.exploration.tsne_map import draw_map, embed

COUNT, DIM = 120, 32


def make_set(seed=0):
    """A caption a video, half of them with one of two emotions."""
    rng = np.random.default_rng(seed)
    emotions = np.zeros((COUNT, 8), np.float32)
    chosen = rng.permutation(COUNT)[: COUNT // 2]
    emotions[chosen, rng.choice([0, 5], COUNT // 2)] = 1  # joy, sadness
    return LabelledSet(emotions=emotions, item_by_text=np.arange(COUNT), videos=COUNT), rng


def make_rows(labelled, rng, strength):
    """Unit rows that share a direction by label, by strength."""
    directions = rng.normal(size=(len(LABELS), DIM))
    noise = rng.normal(size=(COUNT, DIM))
    return unit_rows(noise + strength * directions[labelled.labels[0]])


def measure(texts, videos, labelled, **options):
    return measure_purities(texts, videos, labelled, **{"neighbours": 5, "draws": 199, "seed": 0, **options})


def test_no_emotion_is_a_label_of_its_own():
    emotions = np.array([[0] * 8, [0, 0, 0, 0, 2, 0, 0, 1], [1, 0, 0, 0, 0, 1, 0, 0]], np.float32)
    assert choose_labels(emotions).tolist() == [NONE, EMOTIONS.index("fear"), 0]
    labelled = LabelledSet(emotions=emotions, item_by_text=np.array([0, 1, 1]), videos=2)
    assert labelled.labels[1].tolist() == [NONE, EMOTIONS.index("fear")] and labelled.tied == 1
    assert count_labels(labelled.labels[0]) == {
        **dict.fromkeys(LABELS, 0),
        "no emotion": 1,
        "fear": 1,
        "joy": 1,
    }


def test_neighbours_are_the_nearest_of_other_videos():
    rows = unit_rows(np.array([[1, 0], [1, 0.01], [1, 0.1], [0, 1]], np.float32))
    assert find_neighbours(rows, np.array([0, 0, 1, 2]), 1).ravel().tolist() == [2, 2, 1, 2]
    with pytest.raises(AffectError, match="too few for 3 neighbours"):
        find_neighbours(rows, np.array([0, 0, 1, 2]), 3)


def test_clusters_of_texts_are_found_where_videos_have_none():
    labelled, rng = make_set()
    texts, videos = make_rows(labelled, rng, 0.6), make_rows(labelled, rng, 0.0)
    found = measure(texts, videos, labelled)
    text, video = found[TEXT]["emotions"], found[VIDEO]["emotions"]
    assert text.points == COUNT // 2 and text.p_value == 1 / 200
    assert text.low > text.chance_high and text.low < text.value < text.high
    assert video.chance_low <= video.value <= video.chance_high
    assert found[TEXT]["joy"].value > found[TEXT]["joy"].chance_high
    assert found[TEXT]["fear"].points == 0 and found[TEXT]["fear"].value is None
    assert set(found) == {TEXT, VIDEO, TOGETHER}


def test_a_pair_counts_for_nothing_in_texts_and_videos_together():
    """A video beside its own caption is retrieval, not a cluster."""
    labelled, rng = make_set()
    texts = make_rows(labelled, rng, 0.0)
    found = measure(texts, texts, labelled)[TOGETHER]["emotions"]
    assert found.chance_low <= found.value <= found.chance_high


@pytest.mark.slow
def test_without_clusters_small_p_values_are_rare():
    values = []
    for seed in range(40):
        labelled, rng = make_set(seed)
        rows = make_rows(labelled, rng, 0.0)
        values.append(measure(rows, rows, labelled, draws=99)[TOGETHER]["emotions"].p_value)
    assert sum(value <= 0.05 for value in values) <= 6 and np.mean(values) == pytest.approx(0.5, abs=0.15)


def test_a_seed_gives_the_same_figures():
    labelled, rng = make_set()
    rows = make_rows(labelled, rng, 1.0)
    assert measure(rows, rows, labelled) == measure(rows, rows, labelled)
    assert measure(rows, rows, labelled) != measure(rows, rows, labelled, seed=1)


@pytest.mark.slow
def test_the_map_is_a_picture_of_nine_panels():
    labelled, rng = make_set()
    rows = make_rows(labelled, rng, 2.0)
    points = embed(rows, perplexity=5, seed=0)
    assert points.shape == (COUNT, 2) and np.array_equal(points, embed(rows, perplexity=5, seed=0))
    picture = draw_map(
        points, points, *labelled.labels, limits=((-50, 50), (-50, 50)), title="a title",
        purities=measure(rows, rows, labelled)[TOGETHER],
    )  # fmt: skip
    image = Image.open(io.BytesIO(picture))
    assert image.width > 1200 and len(image.convert("RGB").getcolors(1 << 20)) > 20
    with pytest.raises(AffectError, match="needs more than 120 points"):
        embed(rows, perplexity=120, seed=0)
