"""Affect as text for people."""

from dataclasses import replace

from retrieval.report.terminal import format_affect, format_affect_record, format_query_mood
from retrieval.search import PhraseAffect, Query


def test_estimates_are_told_with_a_word_or_with_their_sd():
    row = {"valence": 0.54, "arousal": -0.52, "valence_sd": 0.1, "arousal_sd": 0.15}
    assert format_affect(row) == "calm +0.54 -0.52"
    assert format_affect({**row, "valence_sd": 0.36, "arousal_sd": 0.23}) == "+0.54 -0.52 ±0.4"
    assert format_affect({**row, "valence_sd": 0.5, "arousal_sd": 0.4}) == "little known +0.54 -0.52 ±0.5"
    assert format_affect(None) == "·"


def test_a_record_has_words_only_where_it_is_sure():
    sure = {"valence": 0.54, "arousal": -0.52, "valence_sd": 0.1, "arousal_sd": 0.15}
    steps = [{"start": at, "end": at + 1, "valence": 0.54 - at, "arousal": -0.52} for at in (0, 0.2)]

    def lines(affect):
        record = {
            "path": "a.mp4", "affect": affect, "experts": {}, "speech_emotion": None, "face_emotion": None,
            "trajectory": steps, "why": [],
        }  # fmt: skip
        return "\n".join(format_affect_record(record))

    told = lines(sure)
    assert "a.mp4: calm, valence +0.54 ± 0.10" in told and "starts calm +0.54 -0.52" in told
    told = lines({**sure, "valence_sd": 0.4, "arousal_sd": 0.35})
    assert "a.mp4: valence +0.54 ± 0.40" in told and "starts +0.54 -0.52, ends +0.34 -0.52" in told
    assert "a.mp4: little known, valence +0.54 ± 0.41" in lines(
        {**sure, "valence_sd": 0.41, "arousal_sd": 0.36}
    )


def test_a_phrase_that_is_hardly_read_is_told_as_such():
    mood = PhraseAffect(phrase="blue", point=(0.3, -0.2), sds=(0.2, 0.3))
    told = format_query_mood(Query(mood=mood))
    assert told == "mood blue: valence +0.30 ± 0.20, arousal -0.20 ± 0.30, as the text regressor reads it"
    told = format_query_mood(Query(mood=replace(mood, sds=(0.39, 0.6))))
    assert told.startswith("mood blue: little known, valence +0.30 ± 0.39")


def test_a_reason_that_moved_nothing_shown_is_left_out():
    effects = [(0.004, -0.0049), (0.006, 0.0), (0.0, -0.3)]
    why = [{"sense": "sound", "what": "Silence", "valence": v, "arousal": a} for v, a in effects]
    record = {
        "path": "a.wav", "affect": None, "experts": {}, "speech_emotion": None, "face_emotion": None,
        "trajectory": [], "why": why,
    }  # fmt: skip
    shown = [line.rpartition(": ")[2] for line in format_affect_record(record) if "why" in line]
    assert shown == ["+0.01 +0.00", "+0.00 -0.30"]


def test_a_sound_that_is_not_recognised_is_a_sound():
    parts = [{"sense": "sound"}, {"sense": "sound", "what": "Bell"}, {"sense": "image"}]
    effect = {"start": 2.0, "valence": 0.1, "arousal": 0.2}
    record = {
        "path": "a.wav", "affect": None, "experts": {}, "speech_emotion": None, "face_emotion": None,
        "trajectory": [],
        "why": [{**part, **effect} for part in parts],
    }  # fmt: skip
    shown = [line.partition("why")[2].strip().partition(" at ")[0] for line in format_affect_record(record)]
    assert shown[1:] == ["a sound", "sound Bell", "image"]
