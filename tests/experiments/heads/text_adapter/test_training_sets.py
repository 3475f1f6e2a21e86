"""What the adapters are taught."""

import numpy as np
import pytest
from repository import DATA

from encoders import AffectError
from experiments.datasets.caav import load_caav_actions
from experiments.datasets.emobank import load_emobank
from experiments.datasets.oasis import load_oasis_themes
from experiments.datasets.records import RatedText
from experiments.heads.text_adapter.training_sets import load_training_sets, select_held_out


@pytest.mark.data
def test_ratings_are_read_with_their_scales():
    acts = {one.text: one for one in load_caav_actions(DATA)}
    assert len(acts) == 60
    assert acts["Kicking something"].affect == pytest.approx(((2.4 - 5) / 4, (6.01 - 5) / 4), abs=0.01)
    everyone = [*load_emobank(DATA), *acts.values(), *load_oasis_themes(DATA)]
    assert np.abs([one.affect for one in everyone]).max() <= 1
    assert min(one.affect[0] for one in load_emobank(DATA)) < -0.7


def test_too_few_documents_are_one_line():
    texts = [RatedText(text=f"{n}", affect=(0.0, 0.0), split="train", group=f"{n % 9}") for n in range(20)]
    with pytest.raises(AffectError, match="9 documents in the split train"):
        select_held_out(texts)


@pytest.mark.data
def test_no_lesson_has_a_held_out_or_dev_text_or_an_action():
    sentences = load_emobank(DATA)
    kept = set(select_held_out(sentences))
    assert 600 < len(kept) < 1000
    assert not {one.group for one in kept} & {
        one.group for one in sentences if one.split == "train" and one not in kept
    }
    pytest.importorskip("vaderSentiment")
    taught = {text for lesson in load_training_sets(DATA)[:2] for text in lesson.texts}
    away = [one.text for one in [*kept, *load_caav_actions(DATA)]]
    away += [one.text for one in [*sentences, *load_oasis_themes(DATA)] if one.split != "train"]
    known = {
        one.text for one in [*sentences, *load_oasis_themes(DATA)] if one.split == "train" and one not in kept
    }
    assert not taught & (set(away) - known)  # a few sentences of dev stand in train as well
