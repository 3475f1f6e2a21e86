import wave
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from repository import DATA, require_data

from encoders.base import AffectError, Audio, unit_rows
from encoders.logmel import resample
from experiments.heads.audio_text import audio_augmentation
from experiments.heads.audio_text.audio_augmentation import SPEED_FACTORS, change_speed, encode_augmented
from experiments.heads.audio_text.calibrations import fit_calibrations
from experiments.heads.audio_text.clip_search import evaluate_search
from experiments.heads.audio_text.clips import (
    MAX_TRACK_SEGMENTS,
    MOOD_MATCH_SD,
    N_VERSIONS,
    LabelledClips,
    assign_folds,
    classify_sample,
    compute_match_matrix,
    group_duplicates,
    load_clips,
    load_instruments,
)
from experiments.heads.audio_text.cross_validation import cross_validate
from experiments.heads.audio_text.domain_detection import evaluate_domain_detection
from experiments.heads.audio_text.out_of_domain_texts import list_class_names, list_out_of_domain_texts
from experiments.heads.audio_text.prompts import Prompt, add_article, list_prompts
from experiments.heads.audio_text.retrieval_metrics import (
    compute_classifier_metrics,
    compute_metrics,
    compute_synonym_metrics,
    list_queries,
    precision_at_k,
)
from experiments.heads.audio_text.training_set import KERNEL_CONFIG, TrainingSet, make_text_encoder
from experiments.heads.audio_text.vocabulary import (
    ANIMALS,
    DRUM_LABELS,
    EMOTIONS,
    INSTRUMENTS,
    MOODS,
    UNRATED_MUSIC_LABELS,
)
from fusion import Calibration
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from spaces.joint.kernel_ridge import KernelRidgeConfig

LISTENING = PipelineConfig(objects="", activity="", tone="", faces="")
WIDTH = 12


def clips(each=8, seed=0):
    """`each` clips of every animal and emotion, 3 * each pieces and as many sounds of three instruments.

    Their rows lie around their class.
    """
    rng = np.random.default_rng(seed)
    kinds, labels, speakers, moods, groups = [], [], [], [], []
    for at in range(each):
        for name in ANIMALS:
            kinds, labels, speakers = [*kinds, "animal"], [*labels, name], [*speakers, ""]
            groups.append(f"recording {name} {at}")
        for name in EMOTIONS:
            kinds, labels = [*kinds, "speech"], [*labels, name]
            speakers.append("man" if at % 2 else "woman")
            groups.append(f"actor {at}")
        for part in range(3):
            kinds, labels, speakers = [*kinds, "music"], [*labels, ""], [*speakers, ""]
            groups.append(f"series {at * 3 + part}")
        for name in ("guitar", "orchestra", "bell"):
            kinds, labels, speakers = [*kinds, "instrument"], [*labels, name], [*speakers, ""]
            groups.append(f"track {name} {at}")
    pieces = np.array(kinds) == "music"
    moods = np.full((len(kinds), 2), np.nan)
    moods[pieces] = rng.uniform(-1, 1, (pieces.sum(), 2))
    names = np.strings.add(np.array(kinds), np.array(labels))
    centres = 2 * rng.standard_normal((len(np.unique(names)), WIDTH))
    rows = centres[np.unique(names, return_inverse=True)[1]] + rng.standard_normal((len(kinds), WIDTH))
    rows[pieces, :2] += 3 * moods[pieces]
    versions = rows[:, None] + 0.3 * rng.standard_normal((len(kinds), 2, WIDTH))
    return LabelledClips(
        features=rows.astype(np.float32),
        augmented_features=versions.astype(np.float32),
        kinds=np.array(kinds),
        labels=np.array(labels),
        speakers=np.array(speakers),
        affect=moods,
        groups=np.array(groups),
    )


@cache
def direction(word):
    return np.random.default_rng(sum(map(ord, word)) * 7919 + len(word)).standard_normal(24)


def bags(texts):
    """Unit rows in which texts with words in common lie near: each word is a random direction."""
    return unit_rows(np.array([sum(map(direction, text.split())) for text in texts], np.float32))


def lesson():
    return TrainingSet(
        clips=clips(),
        prompts=list_prompts(),
        out_of_domain_texts=list_out_of_domain_texts()[:60],
        encode_texts=bags,
        kernel_config=KernelRidgeConfig(min_landmark_items=2),
    )


def test_texts_come_once_and_are_of_one_side():
    for known in (list_prompts(), list_prompts(include_synonyms=False)):
        texts = [prompt.text for prompt in known]
        assert len(set(texts)) == len(texts)
        assert not set(texts) & set(list_out_of_domain_texts())
    assert len(set(list_out_of_domain_texts())) == len(list_out_of_domain_texts()) > 700


def test_every_class_has_words():
    known = list_prompts(include_synonyms=False)
    assert {p.label for p in known if p.kind == "animal"} == {*ANIMALS, ""}
    assert {p.label for p in known if p.kind == "speech"} == {*EMOTIONS, ""}
    for name in EMOTIONS:
        assert {p.speaker for p in known if p.label == name} == {"", "man", "woman"}
    assert {p.mood for p in known if p.kind == "music"} == {(m.valence, m.arousal) for m in MOODS} | {None}
    assert all(name in {p.text for p in known} for name in ANIMALS)
    assert {p.label for p in known if p.kind == "instrument"} == set(INSTRUMENTS)
    assert {*DRUM_LABELS, *UNRATED_MUSIC_LABELS} <= set(INSTRUMENTS)


def test_synonyms_are_left_out_for_measuring():
    more = {p.text for p in list_prompts()} - {p.text for p in list_prompts(include_synonyms=False)}
    assert {"puppy", "kitten", "lamb", "rooster", "calf", "toad", "a furious voice", "merry music"} <= more
    words = {word for text in (p.text for p in list_prompts(include_synonyms=False)) for word in text.split()}
    alone = {s for animal in ANIMALS.values() for s in animal.synonyms if " " not in s}
    assert not alone & words


def test_names_that_are_heard_are_no_strangers():
    names = list_class_names()
    assert "an abacus" in names and "a laptop" in names
    assert not [n for n in names if "piano" in n or "organ" in n]
    assert not [n for n in names if "drum" in n or "guitar" in n]
    assert not {add_article(name) for name in ANIMALS} & set(names)


def tone(seconds=1.0, rate=8000):
    """A swelling tone of 440 Hz with its first overtones."""
    time = np.arange(int(seconds * rate)) / rate
    waves = sum(np.sin(2 * np.pi * 440 * k * time) / k for k in (1, 2, 3))
    return Audio(samples=(0.5 * time / seconds * waves).astype(np.float32), sample_rate=rate)


def test_a_clip_heard_otherwise_is_faster_or_slower():
    plain = tone()
    found = [change_speed(plain, np.random.default_rng(seed)) for seed in range(60)]
    assert {one.sample_rate for one in found} == {round(8000 * speed) for speed in SPEED_FACTORS}
    assert 8000 not in {one.sample_rate for one in found}
    assert change_speed(plain, np.random.default_rng(7)).sample_rate == found[7].sample_rate
    for one in found:
        np.testing.assert_array_equal(one.samples, plain.samples)
        heard = resample(one, 8000)
        assert len(heard) / 8000 == pytest.approx(plain.duration * 8000 / one.sample_rate, abs=0.01)
        peak = np.abs(np.fft.rfft(heard)).argmax() / len(heard) * 8000
        assert peak == pytest.approx(440 * one.sample_rate / 8000, abs=2)


def write_wav(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.sample_rate)
        file.writeframes((sound.samples * 32767).astype("<i2").tobytes())
    return path


def test_altered_rows_are_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path / "cache"))
    experts = FeaturePipeline(LISTENING.replace(text=""), use_packaged=False)
    silent = Audio(samples=np.zeros(8000, np.float32), sample_rate=8000)
    files = [
        write_wav(tmp_path / "tone.wav", tone()),
        write_wav(tmp_path / "lower.wav", tone(0.6)),
        write_wav(tmp_path / "silent.wav", silent),
    ]
    found = encode_augmented(experts, files, 4, seed=1, quiet=True)
    assert found.shape == (3, 4, 329) and found.dtype == np.float32
    assert np.isnan(found[2]).all() and np.isfinite(found[:2]).all()
    plain = experts.get_encoder("sound").encode([tone()])
    assert (np.abs(found[0] - plain).max(axis=1) > 0.1).all()
    assert len(np.unique(found[0], axis=0)) > 1
    monkeypatch.setattr(
        audio_augmentation, "decode_first_segments", None
    )  # what is kept is not decoded again
    turned = [files[1], files[0].rename(tmp_path / "renamed.wav")]
    np.testing.assert_array_equal(encode_augmented(experts, turned, 4, seed=1, quiet=True), found[[1, 0]])
    assert encode_augmented(experts, turned, 0, seed=1, quiet=True).shape == (2, 0, 329)
    with pytest.raises(TypeError):
        encode_augmented(experts, turned, 4, seed=2, quiet=True)  # another seed makes others


def test_members_learn_from_altered_versions_of_the_clips_they_are_given():
    taught = lesson()
    rest = taught.clips.select(np.arange(0, len(taught.clips.features), 2))
    np.testing.assert_array_equal(rest.augmented_features, taught.clips.augmented_features[::2])
    plain = replace(rest, augmented_features=rest.augmented_features[:, :0])
    one, other = (taught.fit_member(part).media.inputs["sound"] for part in (rest, plain))
    np.testing.assert_array_equal(one.centres, other.centres)  # no version is in a landmark
    assert np.abs(one.weight - other.weight).max() > 1e-3


def test_match_table():
    few = LabelledClips(
        features=np.zeros((6, 2), np.float32),
        augmented_features=np.zeros((6, 0, 2), np.float32),
        kinds=np.array(["animal", "animal", "speech", "speech", "music", "music"]),
        labels=np.array(["dog", "cat", "sad", "sad", "", ""]),
        speakers=np.array(["", "", "man", "woman", "", ""]),
        affect=np.array([[np.nan] * 2] * 4 + [[-0.5, 0.1], [0.5, 0.3]]),  # standardised (-1, -1), (1, 1)
        groups=np.array(list("abcdef")),
    )
    known = [
        Prompt(text="a dog", kind="animal", label="dog"),
        Prompt(text="an animal", kind="animal"),
        Prompt(text="a sad voice", kind="speech", label="sad"),
        Prompt(text="a sad man", kind="speech", label="sad", speaker="man"),
        Prompt(text="a woman", kind="speech", speaker="woman"),
        Prompt(text="music", kind="music"),
        Prompt(text="happy music", kind="music", mood=(1.0, 0.0)),
    ]
    near, far = np.exp(-1 / (2 * MOOD_MATCH_SD**2)), np.exp(-5 / (2 * MOOD_MATCH_SD**2))
    want = [
        [1, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1, far], [0, 0, 0, 0, 0, 1, near],
    ]  # fmt: skip
    np.testing.assert_allclose(compute_match_matrix(few, known), want, atol=1e-9)
    np.testing.assert_array_equal(compute_match_matrix(few.select([0, 1]), known), np.array(want)[:2])


def test_music_of_unrated_mood_matches_music_and_no_mood():
    some = clips(1)
    some = some.select(np.flatnonzero(np.isin(some.kinds, ["music", "instrument"])))
    known = [
        Prompt(text="music", kind="music", extra_labels=("guitar", "orchestra")),
        Prompt(text="happy music", kind="music", mood=(1.0, 0.0)),
        Prompt(text="a guitar", kind="instrument", label="guitar"),
        Prompt(text="a piano", kind="music"),
    ]
    found = dict(zip(some.classes.tolist(), compute_match_matrix(some, known).tolist(), strict=True))
    np.testing.assert_array_equal(found["instrumentguitar"], [1, np.nan, 1, 0])
    np.testing.assert_array_equal(found["instrumentorchestra"], [1, np.nan, 0, 0])
    np.testing.assert_array_equal(found["instrumentbell"], [0, 0, 0, 0])
    assert found["music"][0] == found["music"][3] == 1


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("bd_808", "bass drum"), ("elec_soft_kick", "bass drum"), ("elec_hi_snare", "snare drum"),
        ("drum_cymbal_open", "cymbal"), ("drum_tom_hi_soft", "drum"), ("drum_cowbell", "bell"),
        ("loop_3d_printer", "noise"), ("loop_drone_g_97", "ambient"), ("loop_amen", "beat"),
        ("elec_blip", "beep"), ("ambi_choir", ""), ("ambi_piano", ""), ("misc_crow", ""),
    ],
)  # fmt: skip
def test_samples_are_classed_by_their_names(name, label):
    assert classify_sample(name) == label


def test_missing_sounds_are_told(tmp_path):
    with pytest.raises(AffectError, match="sonicpi_samples_cc0"):
        load_instruments(FeaturePipeline(LISTENING), tmp_path)


def test_folds_keep_groups_and_spread_classes():
    found = clips()
    number = assign_folds(found, 4, seed=1)
    for group in np.unique(found.groups):
        assert len(set(number[found.groups == group])) == 1
    for name in ANIMALS:
        assert np.bincount(number[found.labels == name], minlength=4).tolist() == [2] * 4
    for speaker in ("man", "woman"):
        assert np.bincount(number[found.speakers == speaker], minlength=4).tolist() == [8] * 4
    assert not np.array_equal(number, assign_folds(found, 4, seed=2))


def test_near_duplicates_are_one_recording():
    rows = np.float32([[1, 0, 0], [1, 0.15, 0], [1, 0.3, 0], [0, 1, 0], [np.nan, 0, 0]])
    number = group_duplicates(rows)  # the first and the third through the second
    assert number[0] == number[1] == number[2]
    assert len(set(number)) == 3


def test_precision():
    right = np.array([True, False, True, False])
    assert precision_at_k([4, 3, 2, 1], right) == 0.5  # of the two best, as two are right
    assert precision_at_k([4, 1, 3, 2], right) == 1
    assert np.isnan(precision_at_k([1, 2], np.array([False, False])))
    many = np.arange(30) < 20
    assert precision_at_k(-np.arange(30), many) == 1 and precision_at_k(np.arange(30), many) == 0


def test_figures_of_a_perfect_and_of_a_random_answer():
    found = clips()

    def perfect(texts):
        table = np.zeros((len(texts), len(found.features)))
        for row, text in zip(table, texts, strict=True):
            for name, animal in ANIMALS.items():
                others = {word for one in ANIMALS.values() for word in one.synonyms}
                right = text in animal.synonyms or (name in text.split() and text not in others)
                row[found.labels == name] += right
            for name, emotion in EMOTIONS.items():
                words = (*emotion.adjectives, *emotion.synonyms)
                said = any(text == w or text.startswith((f"{w} speech", f"{add_article(w)} ")) for w in words)
                row[(found.labels == name) & (found.kinds == "speech")] += said
            for speaker in ("man", "woman"):
                row[found.speakers == speaker] += 0.5 * (f" {speaker} " in text)
            sign = (
                {"happy": 1, "sad": -1}.get(text.split()[0], 0),
                {"energetic": 1, "calm": -1}.get(text.split()[0], 0),
            )
            if text.endswith("music"):
                row += np.nan_to_num(found.affect) @ sign
        return table

    known = {**compute_metrics(found, perfect), **compute_synonym_metrics(found, perfect)}
    assert {name: value for name, value in known.items() if value < 0.999} == {}
    rng = np.random.default_rng(0)
    random = compute_metrics(found, lambda texts: rng.standard_normal((len(texts), len(found.features))))
    assert random["P@10 animals"] < 0.4 and abs(random["r valence of music"]) < 0.6


def test_asked_holds_every_text_of_the_figures():
    found, seen = clips(2), set()

    def note(texts):
        seen.update(texts)
        return np.zeros((len(texts), len(found.features)))

    compute_metrics(found, note)
    compute_synonym_metrics(found, note)
    assert seen <= set(list_queries())


def test_class_figures():
    found = clips(2).select(np.arange(10))  # one of each animal
    scores = np.eye(10)
    assert compute_classifier_metrics(found, "animals", list(ANIMALS), scores) == {
        "P@10 animals": 1,
        "accuracy of animals": 1,
    }


@pytest.mark.slow
def test_figures_calibrations_and_search_of_a_small_lesson():
    taught = lesson()
    report = cross_validate(
        replace(taught, prompts=list_prompts(include_synonyms=False)), seed=0, n_repeats=1
    )
    kernel = {one.name: one for one in report if one.method == "kernel"}
    assert kernel["P@10 animals"].value > 0.8 and kernel["P@10 animals"].n_folds == 4
    assert kernel["P@10 animals"].low <= kernel["P@10 animals"].value <= kernel["P@10 animals"].high
    assert {"kernel", "plain", "linear", "kernel - plain"} <= {one.method for one in report}
    found = fit_calibrations(taught, seed=0)
    assert set(found) == {"text", "sound"} and all(one.slope > 0 for one in found.values())
    by_clip = evaluate_search(taught, found["sound"], Calibration(mean=0, sd=0.3), seed=0)
    values = {(one.name, one.method): one.value for one in by_clip}
    both, alone = values["P@10 animal by clip", "sounds + words"], values["P@10 animal by clip", "sounds"]
    assert both - alone == pytest.approx(values["P@10 animal by clip", "gain"])
    assert evaluate_search(taught, found["sound"], None, seed=0) == []


def test_belonging_takes_what_is_asked_out_of_what_is_known():
    heard = {"names": ["dog"], "synonyms": ["puppy"] * 9, "phrases": ["a dog"] * 9}
    told = {**heard, "things": ["a bicycle", "economics"] * 9}
    known = [prompt for prompt in list_prompts() if prompt.text in ("a dog barking", "dog")]
    found = evaluate_domain_detection(told, known, ["a bicycle", "the moon"], bags, 0.3, seed=0)
    assert found["belongs: names"].value == 1 and found["belongs: phrases"].value == 1
    assert 0 <= found["belongs: area under the ROC"].value <= 1
    assert set(found) == {f"belongs: {name}" for name in (*told, "area under the ROC")}


@pytest.fixture(scope="module")
def heard():
    require_data("animal_sounds")
    return load_clips(FeaturePipeline(LISTENING), DATA, seed=0)


@pytest.mark.data
@pytest.mark.slow
def test_animals_and_voices_alone_are_heard_otherwise(heard):
    silent = np.isnan(heard.augmented_features).all(axis=2)
    np.testing.assert_array_equal(silent.all(axis=1), np.isin(heard.kinds, ["music", "instrument"]))
    assert (
        heard.augmented_features.shape[1] == N_VERSIONS
        and not silent[np.isin(heard.kinds, ["animal", "speech"])].any()
    )


@pytest.mark.data
@pytest.mark.slow
def test_instruments_are_all_there_and_none_drowns_the_rest(heard):
    names, counts = np.unique(heard.labels[heard.kinds == "instrument"], return_counts=True)
    assert set(names) == set(INSTRUMENTS)
    assert counts.min() >= KERNEL_CONFIG.min_landmark_items  # so that no landmark is one clip
    groups = np.unique(heard.groups[heard.labels == "orchestra"], return_counts=True)[1]
    assert groups.max() <= 2 * MAX_TRACK_SEGMENTS  # two tracks of one name


@pytest.mark.data
@pytest.mark.slow
def test_words_find_animals_that_were_not_learnt_from(heard):
    """The set's own split: P@10 of dev after learning from train."""
    from experiments.datasets import load_vgmidi
    from experiments.datasets.animal_sounds import load_animal_captions
    from experiments.datasets.ravdess import load_ravdess_speech

    parts = [item.split for item in (*load_animal_captions(DATA).items, *load_ravdess_speech(DATA))]
    split = np.array(parts + [piece.split for piece in load_vgmidi(DATA)])
    rated = np.flatnonzero(heard.kinds != "instrument")
    assert len(split) == len(rated)  # none is silent
    split = np.concatenate([split, ["train"] * (len(heard.features) - len(rated))])
    known = list_prompts()
    texts = [*(p.text for p in known), *list_out_of_domain_texts(), *list_queries()]
    taught = TrainingSet(
        clips=heard,
        prompts=known,
        out_of_domain_texts=list_out_of_domain_texts(),
        encode_texts=make_text_encoder(FeaturePipeline(LISTENING), texts),
    )
    member = taught.fit_member(heard.select(np.flatnonzero(split == "train")))
    dev = heard.select(np.flatnonzero(split == "dev"))
    rows = member.media({"sound": dev.features})
    found = compute_metrics(
        dev, lambda asked_of: member.text({"text": taught.encode_texts(asked_of)}) @ rows.T
    )
    assert found["P@10 animals"] >= 0.8
