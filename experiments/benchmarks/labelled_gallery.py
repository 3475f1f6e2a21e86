"""Galleries of photos, sounds and videos, each item with the words that are right for it."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from encoders.media import DEFAULT_SEGMENT_SECONDS
from experiments.datasets.av_clips import load_av_clips
from experiments.datasets.flickr1k import load_flickr1k
from experiments.datasets.oasis import load_oasis
from experiments.datasets.ravdess import load_ravdess_speech
from experiments.datasets.records import read_table
from experiments.datasets.sounds_by_word import load_sounds_by_word
from experiments.datasets.vgmidi import load_vgmidi
from experiments.datasets.wesnoth import list_wesnoth_excerpts
from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer
from retrieval.report import report_index_progress
from retrieval.search import Engine
from retrieval.storage import Library

MIN_CAPTIONS = 2  # of five, that must use a word for its photo to be right for it
MUSIC_WORDS = frozenset({"orchestral", "orchestra", "music"})
OTHER_WORDS = (  # of photos and videos, and of the music
    "ball", "beach", "bench", "bicycle", "bike", "birthday", "boat", "bottle", "boy", "car", "child", "crowd",
    "dog", "fence", "fireworks", "football", "girl", "grass", "guitar", "hat", "horse", "man", "motorcycle",
    "mountain", "music", "pool", "rabbit", "road", "rock", "skateboard", "snow", "street", "swing", "tree",
    "water", "woman", "yoga",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GalleryItem:
    """A file: its modality, its set, its label if it has one, and words.

    bags:      bags of words, see `matches`
    mentioned: all words that anyone said of it
    """

    path: Path
    modality: str
    source: str
    label: str = ""
    bags: tuple[frozenset[str], ...]
    mentioned: frozenset[str] = frozenset()

    def matches(self, words: str) -> bool:
        """Whether all words of a query are in one of the bags."""
        wanted = make_bag(words)
        return any(wanted <= bag for bag in self.bags)

    def may_match(self, words: str) -> bool:
        """Whether it matches, or all words of a query are said of it by anyone."""
        return self.matches(words) or make_bag(words) <= self.mentioned


def make_bag(text: str) -> frozenset[str]:
    """The words of a text in lower case and the singular."""
    return frozenset(word.removesuffix("s") for word in re.findall("[a-z]+", text.lower()))


def load_mixed_gallery(data_root: Path) -> list[GalleryItem]:
    """flickr1k (dev), sounds_by_word, av_clips, Wesnoth's music and the wallpapers of MATE."""
    return [
        *_list_photos(data_root),
        *list_sounds(data_root),
        *_list_videos(data_root),
        *(
            GalleryItem(path=path, modality="audio", source="music", bags=(MUSIC_WORDS,))
            for path in list_wesnoth_excerpts(data_root)
        ),
        *_list_wallpapers(data_root),
    ]


def list_mixed_queries(items: Sequence[GalleryItem]) -> list[str]:
    """The words of sounds, and others of photos and videos for which an item is right."""
    labels = {item.label for item in items if item.label}
    others = {word for word in OTHER_WORDS if any(item.matches(word) for item in items)}
    return sorted(labels | others)


@contextmanager
def open_gallery(paths: Iterable[Path], config: PipelineConfig) -> Iterator[Engine]:
    """An engine over a library of these files in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        with (
            closing(Library.create(Path(folder), config, DEFAULT_SEGMENT_SECONDS)) as library,
            library.lock_for_writing(),
            report_index_progress() as on_progress,
        ):
            Indexer(library, on_progress).run(list(paths), jobs=2)
        with closing(Library.open(Path(folder))) as library, Engine(library) as engine:
            yield engine


def _list_photos(data_root: Path) -> Iterator[GalleryItem]:
    for photo in load_flickr1k(data_root):
        if photo.split == "dev":
            counts = Counter(word for caption in photo.labels for word in make_bag(caption))
            bag = frozenset(word for word, count in counts.items() if count >= MIN_CAPTIONS)
            yield GalleryItem(
                path=photo.path, modality="image", source="photos", bags=(bag,), mentioned=frozenset(counts)
            )


def list_sounds(data_root: Path) -> list[GalleryItem]:
    """The sounds of sounds_by_word."""
    return [
        GalleryItem(
            path=sound.path,
            modality="audio",
            source="sounds",
            label=sound.labels[0],
            bags=(make_bag(sound.labels[0]),),
        )
        for sound in load_sounds_by_word(data_root)
    ]


def _list_videos(data_root: Path) -> Iterator[GalleryItem]:
    for clip in load_av_clips(data_root).items:
        bags = tuple(map(make_bag, clip.captions))
        yield GalleryItem(path=clip.media[0], modality="video", source="videos", bags=bags)


def _list_wallpapers(data_root: Path) -> Iterator[GalleryItem]:
    folder = data_root / "mate_backgrounds"
    for row in read_table(folder / "images.csv"):
        yield GalleryItem(
            path=folder / "images" / row["file"],
            modality="image",
            source="wallpapers",
            bags=(make_bag(re.sub("([a-z])([A-Z])", r"\1 \2", row["name"])),),
        )


def load_untrained_gallery(data_root: Path) -> list[GalleryItem]:
    """Items that no head for words was trained on: oasis, sounds_by_word, av_clips; and speech and music.

    Speech (every 20th clip of RAVDESS) and music (every 4th piece of VGMIDI) were trained on by other words,
    and are right for none of these.
    """
    others = {
        "speech": [clip.path for clip in load_ravdess_speech(data_root)][::20],
        "music": [piece.path for piece in load_vgmidi(data_root)][::4],
    }
    return [
        *(
            GalleryItem(
                path=photo.path, modality="image", source="oasis", label=photo.theme.lower(),
                bags=(make_bag(photo.theme),),
            )
            for photo in load_oasis(data_root)
        ),
        *list_sounds(data_root),
        *_list_videos(data_root),
        *(
            GalleryItem(path=path, modality="audio", source=source, bags=())
            for source, paths in others.items()
            for path in paths
        ),
    ]  # fmt: skip
