"""Options that several subcommands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from retrieval.library_location import LIBRARY_VARIABLE, Location, parse_location, require_folder
from retrieval.search import DEFAULT_BALANCE, DEFAULT_FUSION, FUSION_RULES
from retrieval.storage import MODALITIES, find_on_disk
from retrieval.vector_index import INDEX_KINDS
from spaces.circumplex import NUDGES

Option = Callable[[Callable[..., None]], Callable[..., None]]
"""A decorator that adds an option to a command."""


class NormalisedPath(click.Path):
    """A path parameter, converted to the Unicode normal form used on disk."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value as a Path in the normal form used on disk."""
        return find_on_disk(Path(os.fsdecode(super().convert(value, param, ctx))))


PATH_TYPE = NormalisedPath(path_type=Path, readable=False)  # unreadable paths get this package's own messages


class LocationType(click.ParamType[Location]):
    """A library: a folder, or the URL of one in Milvus."""

    name = "library"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Location:
        """The value as a folder or URL. Raises AffectError for a URL that names no library."""
        return parse_location(os.fsdecode(value)) if isinstance(value, str | bytes) else value


class FolderType(LocationType):
    """A library in a folder: others can't do what the command does."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The value as a folder. Raises AffectError for a URL."""
        command = f"affect {ctx.info_name}" if ctx else "this"
        return require_folder(super().convert(value, param, ctx), command)


def _make_library_option(location_type: LocationType, help_text: str) -> Callable[[Any], Any]:
    return click.option(
        "--library", "-l", "folder", type=location_type, required=True, envvar=LIBRARY_VARIABLE,
        metavar="LIB", help=help_text,
    )  # fmt: skip


library_option = _make_library_option(
    LocationType(), "The library: a folder, or milvus://host:port/name (or set AFFECT_LIBRARY)."
)
folder_option = _make_library_option(FolderType(), "The library's folder (or set AFFECT_LIBRARY).")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def add_index_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options of every kind of index."""
    options = [option for kind in INDEX_KINDS.values() for option in kind.options]
    for option in reversed(options):
        value_type = click.IntRange(option.minimum, option.maximum)
        command = click.option(f"--{option.name}", type=value_type, help=option.help)(command)
    return command


def _make_nudge_options() -> list[Option]:
    """A flag for each of NUDGES, which `collect_nudges` reads."""
    return [
        click.option(
            f"--{name}",
            get_nudge_parameter(name),
            is_flag=True,
            help=f"Like what is asked with, but {words}.",
        )
        for name, words in ((name, name.replace("-", " ")) for name in NUDGES)
    ]


def get_nudge_parameter(name: str) -> str:
    """The name of the parameter of a nudge's flag."""
    return name.replace("-", "_")


def collect_nudges(flags: Mapping[str, bool]) -> tuple[str, ...]:
    """The names of the nudges whose flags are set."""
    return tuple(name for name in NUDGES if flags[get_nudge_parameter(name)])


def add_query_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command with the options that make up a query."""
    options: list[Option] = [
        click.argument("text", required=False),
        library_option,
        click.option("--image", type=PATH_TYPE, metavar="FILE", help="Ask with a picture."),
        click.option("--audio", type=PATH_TYPE, metavar="FILE", help="Ask with a sound."),
        click.option("--video", type=PATH_TYPE, metavar="FILE", help="Ask with a video."),
        click.option("--item", metavar="ID", help="Ask with an item of the library."),
        click.option(
            "--not", "exclude", metavar="TEXT", multiple=True,
            help="What it must not show or sound like; may be given several times, also alone.",
        ),
        click.option(
            "--mood", metavar="MOOD",
            help="Words (calm, scary, like a sunday morning ...) or V,A: valence and arousal, -1 to 1.",
        ),
        click.option(
            "--radius", type=float, metavar="R",
            help="Search the region within R of --mood, or of the mood that the words name: the score is the "
            "chance that an item lies there.",
        ),
        click.option(
            "--then", metavar="MOOD", multiple=True,
            help="The course of a film or sound: it starts as --mood says and goes on so; several, in order.",
        ),
        *_make_nudge_options(),
        click.option(
            "--not-mood", "not_moods", metavar="MOOD", multiple=True,
            help="How it must not feel; may be given several times, also alone.",
        ),
        click.option(
            "--affect", type=float,
            help="The dial from 0, content alone, to 1, mood alone (default: 0; with --mood beside content "
            "0.5, with --calmer and the like 0.7). Without --mood it goes by how the query itself feels.",
        ),
        click.option(
            "--mood-from-words", is_flag=True,
            help="Let words of emotion in the query (gloomy, cheerful) also count as the mood looked for: "
            "what feels so scores higher, the more the surer its affect is. Without such a word, and for an "
            "item without affect, nothing changes. --affect sets how much (default 0.5).",
        ),
        click.option("--under", type=PATH_TYPE, metavar="FOLDER", help="Only what lies at or below it."),
        click.option("--since", metavar="DATE", help="Only files changed since 2024, 2024-05 or 2024-05-31."),
        click.option("--until", metavar="DATE", help="Only files changed before that."),
        click.option("-k", type=int, default=10, show_default=True, help="How many results."),
        click.option("--modalities", default=",".join(MODALITIES), show_default=True, help="What to search."),
        click.option("--weights", default="", metavar="object=1,...", help="Factors on the spaces' weights."),
        click.option(
            "--fusion", default=DEFAULT_FUSION, show_default=True, metavar="RULE",
            help="How the scores of the spaces become one: "
            + "; ".join(f"{name}, {rule.help}" for name, rule in FUSION_RULES.items()) + ".",
        ),
        click.option(
            "--balance", default=f"{DEFAULT_BALANCE:g}", show_default=True, metavar="C",
            help="How strongly results alternate between modalities; 1: by score alone. Or the least share "
            "of the exposure for modalities (image=.3,audio=.2): then the least C that gives it.",
        ),
        click.option(
            "--diversify", type=float, metavar="LAMBDA",
            help="Let near-duplicates come later, by maximal marginal relevance: from 1, by score alone, to "
            "0. At 0.7 a copy of a result comes after what is unlike it and scores up to 0.4 less.",
        ),
        click.option("--min-score", type=float, default=0.0, help="Leave out what scores less (0 to 1)."),
    ]  # fmt: skip
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)
