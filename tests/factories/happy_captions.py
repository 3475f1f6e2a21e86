"""Captions of videos of which some are happy, and a schedule that is over at once, for the stand-in model."""

from experiments.datasets import CaptionDataset, DatasetItem
from spaces.joint import Schedule

THINGS = ("dog", "cat", "horse", "car", "boat", "train", "cook", "child")
DEEDS = ("runs", "sleeps", "waits", "turns", "falls", "sings")
SHORT = Schedule(epochs=3, batch=16, rate=1e-3)


def make_dataset(videos=48, captions=8):
    """Videos of a thing and a deed; every third is happy in half of its captions."""
    items = []
    for number in range(videos):
        thing, deed = THINGS[number % 8], DEEDS[number // 8 % 6]
        texts = tuple(
            f"a {'happy ' if number % 3 == 0 and caption % 2 else ''}{thing} {deed} {'again' * (caption > 3)}"
            for caption in range(captions)
        )
        split = "test" if number % 4 == 0 else "train"
        items.append(DatasetItem(id=f"video{number}", captions=texts, split=split))
    return CaptionDataset(name="toy", items=tuple(items))
