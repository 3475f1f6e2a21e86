import numpy as np
import pytest

from encoders import ENCODERS
from spaces.affect_regression.audio_kinds import (
    AUDIO_KINDS,
    CLASS_COUNT,
    CLASS_RANGES,
    SILENCE_CLASS,
    estimate_audio_kinds,
    has_event_scores,
)


def list_classes(kind):
    names = ENCODERS.make("yamnet").classes
    return [names[i] for first, last in CLASS_RANGES[kind] for i in range(first, last + 1)]


def test_ranges_are_those_of_the_class_map():
    names = ENCODERS.make("yamnet").classes
    assert len(names) == CLASS_COUNT and names[SILENCE_CLASS] == "Silence"
    speech, music = list_classes("speech"), list_classes("music")
    assert speech[0] == "Speech" and speech[-1] == "Hubbub, speech noise, speech babble"
    assert {"Singing", "Music", "Guitar", "Drum", "Rapping", "Sad music", "Electronic tuner"} <= {*music}
    assert not {"Dog", "Engine", "Laughter", "Silence", "Doorbell"} & {*music, *speech}


@pytest.mark.parametrize(
    ("name", "kind"), [("Speech", "speech"), ("Guitar", "music"), ("Dog", "other"), ("Hammer", "other")]
)
def test_a_sure_class_decides_the_kind(name, kind):
    scores = np.full((1, CLASS_COUNT), 1e-4, np.float32)
    scores[0, ENCODERS.make("yamnet").classes.index(name)] = 0.9
    shares = estimate_audio_kinds(scores)[0]
    assert shares.sum() == pytest.approx(1) and AUDIO_KINDS[shares.argmax()] == kind and shares.max() > 0.9


def test_silence_counts_for_nothing_and_missing_stays_missing():
    scores = np.zeros((3, CLASS_COUNT), np.float32)
    scores[0, SILENCE_CLASS] = 1
    scores[1] = np.nan
    shares = estimate_audio_kinds(scores)
    np.testing.assert_allclose(shares[[0, 2]], 1 / 3, rtol=1e-5)
    assert np.isnan(shares[1]).all()
    assert has_event_scores(scores) and not has_event_scores(scores[:, :5])
