"""What is asked of the sets, and what is right."""

import numpy as np
import pytest

from experiments.affect_dial import galleries
from experiments.affect_dial.galleries import MOODS, list_neutral_clips, load_flickr_gallery
from experiments.affect_dial.gallery import make_item_id
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.synthetic import generate_clips
from experiments.synthetic.captions import SYNONYMS
from retrieval.search.words_mood import find_emotion_words

MOOD_WORDS = {word for words in SYNONYMS["mood"].values() for word in words}


@pytest.mark.slow
def test_synthetic_clips_are_unseen_and_asked_for_without_and_with_their_mood(monkeypatch, tmp_path):
    monkeypatch.setattr(galleries, "SYNTHETIC_CLIPS", 40)
    gallery = galleries.load_synthetic_gallery(DATA_ROOT, 0, tmp_path)
    shown = [clip for clip in generate_clips(40, 0) if clip.split != "train"]
    seen = {clip.group for clip in generate_clips(40, 0) if clip.split == "train"}
    assert len(gallery.affect) == len(shown) and not seen & {query.group for query in gallery.content_queries}
    silent = [clip.mood is None for clip in shown]
    assert np.isnan(gallery.affect).any(axis=1).tolist() == silent and any(silent)
    for query in gallery.content_queries:
        assert not MOOD_WORDS & set(query.parts["text"].split())
        assert {shown[number].group for number in query.relevant} == {query.group}
    told = [query for query in gallery.worded_queries if query.target is not None]
    assert len(told) == len(shown) - sum(silent)
    for query in told:
        (number,) = query.relevant
        assert MOOD_WORDS & set(query.parts["text"].replace(",", "").split())
        assert query.target == pytest.approx(gallery.affect[number])
    assert {space.name for space in gallery.pipeline.spaces if hasattr(space, "heads")} == {
        "object",
        "activity",
    }


@pytest.mark.data("ravdess_speech")
def test_voices_are_asked_for_by_neutral_sentences():
    clips = load_ravdess_speech()
    neutral = [clips[number] for number in list_neutral_clips(clips)]
    assert {clip.emotion for clip in neutral} == {"neutral"}
    assert len(neutral) == len({(clip.actor, clip.id[12:14]) for clip in neutral}) == 40


@pytest.mark.data("flickr1k")
def test_captions_of_photos_are_each_right_for_one(tmp_path):
    gallery = load_flickr_gallery(DATA_ROOT, 0, tmp_path)
    assert len(gallery.worded_queries) == 5 * len(gallery.affect) == 500
    assert all(len(query.relevant) == 1 and query.target is None for query in gallery.worded_queries)
    assert gallery.content_queries == () and np.isnan(gallery.affect).all()


def test_moods_asked_for_are_words_of_emotion_in_all_four_quadrants():
    assert [find_emotion_words(f"a {mood} dog") for mood in MOODS] == [[mood] for mood in MOODS]
    assert make_item_id(255) == "00000000000000ff"
