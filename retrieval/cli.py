"""The command line: a skin over the library, the indexer and the engine. Importing it imports no torch."""

from __future__ import annotations

import functools
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from encoders.base import AffectError, printable
from retrieval.query import BALANCE, MODALITIES, Query, parse_modalities, parse_weights, read_queries

if TYPE_CHECKING:
    from retrieval.engine import Engine
    from retrieval.library import Library

FILE = click.Path(path_type=Path, readable=False)  # what can't be read we say ourselves
library_option = click.option(
    "--library", "-l", "folder", type=FILE, required=True, envvar="AFFECT_LIBRARY", metavar="LIB",
    help="The library's folder (or set AFFECT_LIBRARY).",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


class Commands(click.Group):
    """Turns our own errors into one line on standard error and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of definition, which is the order of use."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run, and speak plainly of what goes wrong."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        logging.basicConfig(format="affect: %(message)s")
        logging.getLogger("encoders").setLevel(logging.INFO)
        try:
            return super().invoke(ctx)
        except AffectError as bad:
            click.echo(f"affect: {bad}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads any more
        except OSError as bad:
            where = (
                f"{printable(os.fsdecode(bad.filename))}: " if isinstance(bad.filename, str | bytes) else ""
            )
            click.echo(f"affect: {where}{(bad.strerror or str(bad)).lower()}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("affect: stopped; what was committed stays, run the same command to go on", err=True)
            ctx.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="affect-fusion")
def main() -> None:
    """Find photos, videos and sound by what they show, what happens in them and how they sound.

    \b
    affect index ~/Pictures ~/Music --library lib     make or refresh a library
    affect search "a dog on the beach" -l lib         find by words
    affect search --image cat.jpg -l lib              ... by a picture
    affect search --audio rain.ogg -l lib             ... by a sound
    affect search "at night" --image street.jpg -l lib   ... by both at once
    affect demo                                       see it work on a few sample files
    """


@main.command()
@click.argument("paths", nargs=-1, required=True, type=FILE)
@library_option
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Decoder processes (default: one a core).")
@click.option("--segment", type=click.FloatRange(1, 3600), help="Seconds a segment, for a new library (15).")
@click.option(
    "--encoders", metavar="ROLE=NAME,...", help="Other experts for a new library; see affect encoders."
)
@click.option("--retry", is_flag=True, help="Try files again that could not be read before.")
@json_option
def index(
    paths: tuple[Path, ...], folder: Path, jobs: int | None, segment: float | None,
    encoders: str | None, retry: bool, as_json: bool,
) -> None:  # fmt: skip
    """Index files and folders, or refresh what is indexed.

    Unchanged files cost a stat, moved ones are recognised by content, deleted ones are forgotten. It can be
    stopped at any time and run again. Files that can't be read are listed at the end.
    """
    from retrieval.indexing import Indexer
    from retrieval.show import index_progress, index_summary

    if lost := [path for path in paths if not path.exists()]:
        raise AffectError(f"{printable(lost[0])}: no such file or directory")
    with closing(_open_or_create(folder, encoders, segment)) as library, library.writing():
        with index_progress(quiet=as_json) as report:
            progress = Indexer(library, report).run(paths, jobs or os.cpu_count() or 1, retry=retry)
        click.echo(json.dumps(progress.to_json())) if as_json else index_summary(progress, folder)


def _open_or_create(folder: Path, encoders: str | None, segment: float | None) -> Library:
    from retrieval.library import Library
    from retrieval.recipe import Recipe

    if segment is not None and math.isnan(segment):
        raise AffectError("a segment is nan seconds long; give a number from 1 to 3600")
    recipe = None if encoders is None else Recipe.parse(encoders)
    if not Library.exists(folder):
        return Library.create(folder, recipe or Recipe.default(), segment or 15.0)
    library = Library.open(folder)
    if recipe is not None and recipe != library.recipe:
        raise AffectError(
            f"{printable(folder)}: made with the encoders {library.recipe.to_json()}; leave --encoders out, "
            "or index into a new library"
        )
    if segment is not None and segment != library.segment:
        raise AffectError(
            f"{printable(folder)}: made with segments of {library.segment:g} s; leave --segment out, "
            "or index into a new library"
        )
    return library


def query_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that make up a query."""
    options = [
        click.argument("text", required=False),
        library_option,
        click.option("--image", type=FILE, metavar="FILE", help="Ask with a picture."),
        click.option("--audio", type=FILE, metavar="FILE", help="Ask with a sound."),
        click.option("--video", type=FILE, metavar="FILE", help="Ask with a video."),
        click.option("--item", metavar="ID", help="Ask with an item of the library."),
        click.option("-k", type=int, default=10, show_default=True, help="How many results."),
        click.option("--modalities", default=",".join(MODALITIES), show_default=True, help="What to search."),
        click.option("--weights", default="", metavar="object=1,...", help="Factors on the spaces' weights."),
        click.option(
            "--balance", type=float, default=BALANCE, show_default=True,
            help="How strongly results alternate between modalities; 1: by score alone.",
        ),
        click.option("--min-score", type=float, default=0.0, help="Leave out what scores less (0 to 1)."),
    ]  # fmt: skip
    return functools.reduce(lambda made, option: option(made), reversed(options), command)


@main.command()
@query_options
@click.option(
    "--queries",
    type=FILE,
    metavar="FILE.jsonl",
    help="One query a line (- for standard input); implies --json.",
)
@click.option("--explain", is_flag=True, help="Say what was seen and how each space scored.")
@click.option("--html", type=FILE, metavar="FILE", help="Also write a page with pictures.")
@json_option
def search(
    text: str | None, folder: Path, image: Path | None, audio: Path | None, video: Path | None,
    item: str | None, k: int, modalities: str, weights: str, balance: float, min_score: float,
    queries: Path | None, explain: bool, html: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Search by words, an image, a sound, a video, an item, or several of them as one question.

    A score is between 0 and 1: the chance of a match, were one in ten of all pairs a match. A space that
    has nothing to say of an item abstains (null, or a dot in the table). A line of a query file holds
    "id" and any of "text", "image", "audio", "video", "item", "k", "modalities", "weights", "balance",
    "min_score".
    """
    settings = {
        "k": k, "modalities": parse_modalities(modalities), "weights": parse_weights(weights),
        "balance": balance, "min_score": min_score,
    }  # fmt: skip
    parts = {"text": text, "image": image, "audio": audio, "video": video, "item": item}
    if queries is not None:
        if any(part is not None for part in parts.values()):
            raise click.UsageError("--queries FILE stands in place of a query on the command line.")
        if html is not None:
            raise click.UsageError("--html shows one query; leave it out with --queries.")
        _search_many(folder, queries, settings, explain)
        return
    query = Query(**parts, **settings)  # type: ignore[arg-type]
    with _engine(folder) as engine:
        _search_one(engine, query, explain=explain, html=html, as_json=as_json)


def _search_one(engine: Engine, query: Query, *, explain: bool, html: Path | None, as_json: bool) -> None:
    from retrieval.explain import why
    from retrieval.show import hits_table

    hits = engine.search(query)
    reasons = [why(engine, hit) for hit in hits] if explain else None
    if as_json:
        click.echo(json.dumps(_answer(query, hits, reasons)))
    else:
        hits_table(query, hits, reasons)
    if html is not None:
        from retrieval.page import write_page

        write_page(html, engine.library, [(query, hits)])
        click.echo(f"wrote {printable(html)}", err=True)


def _answer(query: Query, hits: list[Any], reasons: list[dict[str, Any]] | None) -> dict[str, Any]:
    results = [hit.to_json() for hit in hits]
    if reasons is not None:
        results = [{**result, "why": reason} for result, reason in zip(results, reasons, strict=True)]
    return {"query": query.to_json(), "results": results}


def _search_many(folder: Path, file: Path, settings: dict[str, Any], explain: bool) -> None:
    from retrieval.explain import why

    bad = 0
    with _lines(file) as lines, _engine(folder) as engine:
        for name, query in read_queries(lines, settings):
            try:
                if isinstance(query, AffectError):
                    raise query
                hits = engine.search(query)
                reasons = [why(engine, hit) for hit in hits] if explain else None
                answer = {"id": name, **_answer(query, hits, reasons)}
            except AffectError as wrong:
                bad += 1
                click.echo(f"affect: query {name}: {wrong}", err=True)
                answer = {"id": name, "error": str(wrong)}
            click.echo(json.dumps(answer))
    if bad:
        raise AffectError(f"{bad} of the queries could not be answered")


@contextmanager
def _lines(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = file.open("rb")
    except OSError as bad:
        raise AffectError(f"{printable(file)}: can't be read as a query file ({bad.strerror})") from bad
    with lines:
        yield lines


@contextmanager
def _library(folder: Path) -> Iterator[Library]:
    """To look at or take things out of, even where its encoders are not here."""
    from retrieval.library import Library

    with closing(Library.look(folder)) as library:
        yield library


@contextmanager
def _engine(folder: Path) -> Iterator[Engine]:
    from retrieval.engine import Engine
    from retrieval.library import Library

    with closing(Library.open(folder)) as library, Engine(library) as engine:
        yield engine


@main.command()
@library_option
@json_option
def info(folder: Path, as_json: bool) -> None:
    """What a library holds, which encoders made it, and what could not be read."""
    from retrieval.about import about
    from retrieval.show import about_table

    with _library(folder) as library:
        facts = about(library)
    click.echo(json.dumps(facts)) if as_json else about_table(facts)


@main.command("list")
@library_option
@click.option("--modalities", default=",".join(MODALITIES), show_default=True, help="What to list.")
@click.option("--failed", is_flag=True, help="List the files that could not be read instead.")
@json_option
def list_items(folder: Path, modalities: str, failed: bool, as_json: bool) -> None:
    """Every item: its id, modality, length and path."""
    from retrieval.about import failures, items
    from retrieval.show import lines

    with _library(folder) as library:
        rows = failures(library) if failed else items(library, parse_modalities(modalities))
    lines(rows, as_json=as_json)


@main.command()
@library_option
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check that nothing in a library is damaged. Exit code 1 if something is."""
    from retrieval.checking import problems

    with _library(folder) as library:
        found = problems(library)
    if as_json:
        click.echo(json.dumps({"problems": found}))
    else:
        click.echo("\n".join(found) or "all is well")
    sys.exit(1 if found else 0)


@main.command()
@library_option
@click.option("--index", "kind", type=click.Choice(["exact", "annoy"]), help="How to search from now on.")
@click.option("--trees", type=click.IntRange(1, 1000), help="Trees of Annoy (default: as before, or 40).")
@json_option
def rebuild(folder: Path, kind: str | None, trees: int | None, as_json: bool) -> None:
    """Write a library anew: without deleted rows, with spaces projected afresh. No media are read.

    With --index annoy, builds an Annoy file a view and modality and tells its recall against exact search.
    """
    from retrieval import indices
    from retrieval.library import Library

    with closing(Library.open(folder, to_rebuild=True)) as library, library.writing():
        kind, trees = kind or indices.kind(library), trees or indices.trees(library)
        library.rebuild()
        recall = indices.renew(library, kind, trees)
    if as_json:
        click.echo(json.dumps({"index": kind, "recall": recall}))
        return
    click.echo(f"rebuilt {printable(folder)}; search is {kind}")
    for name, share in recall.items():
        click.echo(f"  {name:<24} recall at 10 against exact: {share:.3f}")


@main.command()
@library_option
@click.option("--captions", type=FILE, help="CSV file: media, caption (and group: what belongs together).")
@click.option("--undo", is_flag=True, help="Go back to the heads that come with this package.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def train(folder: Path, captions: Path | None, undo: bool, seed: int, as_json: bool) -> None:
    """Teach a library your own words: train its spaces on captions of its files. No media are read.

    \b
    media,caption
    holiday/img1.jpg,grandma feeding the ducks
    holiday/img1.jpg,a pond in the park

    Paths are relative to the CSV file; rows of a split "test" are left out. What is learnt is tried on
    files held out, and taken only where it finds more than before in that space; --undo takes it back.
    """
    from retrieval import indices
    from retrieval.captions import read_captions
    from retrieval.library import Library
    from retrieval.show import outcomes_table, training_progress
    from retrieval.teaching import forget, teach

    if (captions is None) != undo:
        raise AffectError("name the captions to learn from with --captions FILE, or --undo")
    told = read_captions(captions) if captions else []
    with closing(Library.open(folder, to_rebuild=True)) as library, library.writing():
        kind, trees = indices.kind(library), indices.trees(library)
        with training_progress(quiet=as_json) as report:
            outcomes = teach(library, told, seed=seed, progress=report) if told else []
        if undo:
            forget(library)
        indices.renew(library, kind, trees)
    if as_json:
        click.echo(json.dumps({"spaces": [one.to_json() for one in outcomes]}))
    elif undo:
        click.echo(f"{printable(folder)}: back to the heads of the package")
    else:
        outcomes_table(outcomes)


@main.command()
@click.argument("what", nargs=-1, required=True)
@library_option
@json_option
def remove(what: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """Forget items, by id or path (a folder takes all below it). The files themselves are not touched.

    Indexing the folder they are in again brings them back.
    """
    from retrieval.about import paths_of

    with _library(folder) as library, library.writing():
        gone = list(dict.fromkeys(path for name in what for path in paths_of(library, name)))
        with library.catalog.transaction():
            library.catalog.forget(gone)
    click.echo(
        json.dumps({"removed": [printable(p) for p in gone]}) if as_json else f"forgot {len(gone)} files"
    )


@main.command()
@json_option
def encoders(as_json: bool) -> None:
    """The experts there are, by role, and whether their weights are here."""
    from retrieval.about import experts
    from retrieval.show import lines

    lines(experts(), as_json=as_json)


@main.command()
@click.option("--library", "-l", "folder", type=FILE, default=Path("demo-library"), show_default=True)
@click.option("--html", type=FILE, help="Where the page goes (default: demo.html in the library's folder).")
def demo(folder: Path, html: Path | None) -> None:
    """Index a few sample files that come with Python packages, search them, and write a page.

    Ask for a text, an image, a sound and a video, print the tables, and show all of it on one HTML page.
    """
    from retrieval.demo import run

    run(folder, html)
