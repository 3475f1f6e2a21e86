"""The command `search`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, to_printable
from retrieval.cli.options import PATH_TYPE, add_query_options, collect_nudges, json_option
from retrieval.cli.session import open_engine, open_input
from retrieval.library_location import Location
from retrieval.search import (
    Query,
    parse_balance,
    parse_date,
    parse_folder,
    parse_modalities,
    parse_weights,
    read_queries,
)
from spaces.circumplex import parse_mood

if TYPE_CHECKING:
    from retrieval.search import Engine


class SearchCommand(click.Command):
    """Takes words that deny a quotation, such as -"black cat", for text; no option begins so."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments that are left. Raises UsageError, which says how other words after a - are given."""
        try:
            rest = super().parse_args(ctx, [f" {arg}" if arg.startswith('-"') else arg for arg in args])
        except click.NoSuchOption as error:
            if error.option_name.startswith("--"):
                raise
            message = f"{error.format_message()} Words that begin with - go last, after --."
            raise click.UsageError(message, ctx) from error
        if (text := ctx.params["text"]) is not None and text.startswith(' -"'):
            ctx.params["text"] = text[1:]
        return rest


@click.command(cls=SearchCommand)
@add_query_options
@click.option(
    "--queries",
    type=PATH_TYPE,
    metavar="FILE.jsonl",
    help="One query a line (- for standard input); implies --json.",
)
@click.option("--explain", is_flag=True, help="Say what was seen and how each space scored.")
@click.option("--html", type=PATH_TYPE, metavar="FILE", help="Also write a page with pictures.")
@json_option
def search(
    text: str | None, folder: Location, image: Path | None, audio: Path | None, video: Path | None,
    item: str | None, exclude: tuple[str, ...], mood: str | None, radius: float | None, then: tuple[str, ...],
    not_moods: tuple[str, ...], affect: float | None, mood_from_words: bool,
    under: Path | None, since: str | None, until: str | None, k: int, modalities: str, weights: str,
    fusion: str, balance: str, diversify: float | None, min_score: float,
    queries: Path | None, explain: bool, html: Path | None, as_json: bool, **nudges: bool,
) -> None:  # fmt: skip
    """Search by words, an image, a sound, a video, an item, or several of them as one question.

    A score is between 0 and 1: the chance of a match, were one in ten of all pairs a match; by mood, how
    near it is and how sure; with the dial between, a mean of both; with --fusion rrf, by ranks alone. A space
    that has nothing to say of an item abstains (null, or a dot in the table).

    \b
    affect search --mood calm -l lib                        by mood alone
    affect search --mood "like a sunday morning" -l lib     any words, as the text regressor reads them
    affect search "the sea" --mood=-0.6,0.5 -l lib          the sea, unpleasant and stirred
    affect search --image party.jpg --affect 0.7 -l lib     what feels like it, more than looks like it
    affect search --mood 0.5,-0.3 --radius 0.3 -l lib       what lies in a region of the plane, most likely
    affect search --mood calm --then excited -l lib         films that start calm and end excited
    affect search --item 3f2a --calmer -l lib               like this, but calmer
    affect search "a street" --not-mood sad -l lib          streets, but no sad ones
    affect search "a gloomy street" --mood-from-words -l lib   gloomy streets before cheerful ones
    affect search "a beach without people" -l lib           the same as: "a beach" --not people
    affect search "a dog" --under photos --since 2024-06 -l lib   what lies there, changed since June

    A line of a query file holds "id" and any of "text", "image", "audio", "video", "item", "not", "mood",
    "radius", "then", "nudge" (["calmer"]), "not_mood", "affect", "mood_from_words", "under", "since",
    "until", "k", "modalities", "weights", "fusion", "balance", "diversify", "min_score".
    """
    settings = {
        "k": k, "modalities": parse_modalities(modalities), "weights": parse_weights(weights),
        "fusion": fusion, "balance": parse_balance(balance), "diversify": diversify, "min_score": min_score,
        "affect": affect, "mood_from_words": mood_from_words,
        "mood": None if mood is None else parse_mood(mood), "exclude": exclude, "radius": radius,
        "then": tuple(map(parse_mood, then)), "not_moods": tuple(map(parse_mood, not_moods)),
        "nudges": collect_nudges(nudges),
        "under": None if under is None else parse_folder(under),
        "since": None if since is None else parse_date(since),
        "until": None if until is None else parse_date(until),
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
    with open_engine(folder) as engine:
        _search_one(engine, query, explain=explain, html=html, as_json=as_json)


def _search_one(engine: Engine, query: Query, *, explain: bool, html: Path | None, as_json: bool) -> None:
    from retrieval.report import format_exposure, format_query_mood, print_hits
    from retrieval.search import answer_query

    answer = answer_query(engine, query, explain=explain)
    query, results = answer.query, answer.results
    explanations = [answer.explanations[hit.id] for hit in results.hits] if explain else None
    if as_json:
        click.echo(json.dumps(answer.to_json()))
    else:
        print_hits(query, results.hits, explanations, results.note)
        if results.hits:
            for line in filter(None, [format_query_mood(query), format_exposure(query, results)]):
                click.echo(line)
    if html is not None:
        from retrieval.report import write_results_page

        write_results_page(html, engine.library, [answer])
        click.echo(f"wrote {to_printable(html)}", err=True)


def _search_many(folder: Location, path: Path, settings: dict[str, Any], explain: bool) -> None:
    from retrieval.search import answer_query

    failed_count = 0
    with open_input("a query file", path) as stream, open_engine(folder) as engine:
        for query_id, query in read_queries(stream, settings):
            try:
                if isinstance(query, AffectError):
                    raise query
                record = {"id": query_id, **answer_query(engine, query, explain=explain).to_json()}
            except AffectError as error:
                failed_count += 1
                click.echo(f"affect: query {query_id}: {error}", err=True)
                record = {"id": query_id, "error": str(error)}
            click.echo(json.dumps(record))
    if failed_count:
        raise AffectError(f"{failed_count} of the queries could not be answered")
