"""Clips are drawn from a seed, and their combinations are in one split."""

from collections import Counter

from experiments.synthetic import ACTIONS, COLOURS, MOODS, SHAPES, generate_clips
from experiments.synthetic.captions import SYNONYMS, generate_captions
from experiments.synthetic.frames import render_frames
from experiments.synthetic.music import render_audio


def test_a_seed_makes_the_same_pixels_samples_and_words():
    for one, other in zip(generate_clips(6, seed=3), generate_clips(12, seed=3), strict=False):
        assert one == other
        assert (render_frames(one) == render_frames(other)).all() and generate_captions(
            one
        ) == generate_captions(other)
        assert one.mood is None or (render_audio(one) == render_audio(other)).all()
    assert generate_clips(6, seed=3) != generate_clips(6, seed=4)
    assert (render_frames(generate_clips(1, seed=3)[0]) != render_frames(generate_clips(1, seed=4)[0])).any()


def test_combinations_are_in_one_split_and_words_in_all():
    found = generate_clips(400, seed=0)
    splits = {}
    for clip in found:
        splits.setdefault((clip.shape, clip.colour, clip.action), set()).add(clip.split)
    assert len(splits) == len(SHAPES) * len(COLOURS) * len(ACTIONS)
    assert all(len(names) == 1 for names in splits.values())
    counts = Counter(clip.split for clip in found)
    assert counts["train"] > 250 and counts["dev"] >= 30 and counts["test"] >= 70
    train = [clip for clip in found if clip.split == "train"]
    for what, names in (("shape", SHAPES), ("colour", COLOURS), ("action", ACTIONS), ("mood", MOODS)):
        assert {getattr(clip, what) for clip in train} - {None} == set(names)


def test_captions_say_what_is_there_and_only_some_of_it():
    said = Counter()
    for clip in generate_clips(100, seed=1):
        found = generate_captions(clip)
        assert len(set(found)) == 5
        for caption in found:
            padded = f" {caption} "
            for what, words in SYNONYMS.items():
                true = words.get(getattr(clip, what), ())
                false = {w for name, some in words.items() if some is not true for w in some} - {*true}
                if what != "backdrop":
                    assert not [word for word in false if f" {word} " in padded], caption
                said[what] += any(f" {word} " in padded for word in true)
    assert all(0.1 < said[what] / 500 < 0.95 for what in SYNONYMS)
