"""The command that creates a library, or brings it up to date."""

from __future__ import annotations

import json
import math
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders import AffectError, to_printable
from retrieval.cli.encoder_choice import find_lost_abilities, make_pipeline_config
from retrieval.cli.options import PATH_TYPE, json_option, library_option
from retrieval.cli.session import (
    log_progress,
    open_current_library,
    rebuild_index_after,
)
from retrieval.features import PRESETS
from retrieval.indexing import Exclusions
from retrieval.library_location import Location, require_folder

if TYPE_CHECKING:
    from retrieval.features import PipelineConfig
    from retrieval.indexing import FileEncoder, RoleCompleter
    from retrieval.storage import AnyLibrary, Library


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH_TYPE)
@library_option
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Decoder processes (default: one a core).")
@click.option("--segment", type=click.FloatRange(1, 3600), help="Seconds a segment, for a new library (15).")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Which encoders a new library has: packaged (the default) or hub, CLIP and CLAP, whose weights you "
    "fetch yourself; 'affect encoders --check' says what each needs and costs.",
)
@click.option(
    "--encoders",
    metavar="ROLE=NAME,...",
    help="Other encoders for a new library, by role, instead of those of the preset; see affect encoders.",
)
@click.option(
    "--heads",
    type=PATH_TYPE,
    metavar="DIR",
    help="Search with the trained heads in DIR from now on: the --out of python -m experiments.train --data, "
    "or the folder heads of another library. affect train --undo goes back.",
)
@click.option("--retry", is_flag=True, help="Try files again that could not be read before.")
@click.option("--recheck", is_flag=True, help="Read all files again, also those that look unchanged.")
@click.option("--prune", is_flag=True, help="Forget all files that are gone, however many.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out what matches, as in .gitignore: a name ('*.gif', 'thumbs/') at any depth, or a path "
    "below PATHS ('/old', 'a/**/b'). Can be given several times.",
)
@click.option(
    "--ray",
    "ray_address",
    metavar="ADDRESS",
    help="Decode and encode in a Ray cluster: host:port of its head, or local to start one here. The files "
    "must lie under the same paths on its machines.",
)
@click.option(
    "--progress",
    "print_progress",
    is_flag=True,
    help='Also print progress as JSON on standard output: {"progress": {...}}, a line about twice a second.',
)
@json_option
def index(
    paths: tuple[Path, ...], folder: Location, jobs: int | None, segment: float | None, preset: str | None,
    encoders: str | None, heads: Path | None, retry: bool, recheck: bool, prune: bool,
    exclude: tuple[str, ...], ray_address: str | None, print_progress: bool, as_json: bool,
) -> None:  # fmt: skip
    """Index files and folders, or refresh what is indexed.

    Unchanged files (size, times) cost a stat, moved ones are recognised by content, deleted ones are
    forgotten. It can be stopped at any time and run again. Files that can't be read are listed at the end.

    In a library made by an earlier version, files are read again for the experts that came since and read
    such files; until all are done the library is searched as before. Previews that it lacks are made.

    Where a folder is empty now, or lost more than half of its files and at least 5, its disk may not be
    mounted: its files are kept, reported as missing (the exit code is 0), and forgotten with --prune.

    Hidden files and folders of systems (@eaDir, #recycle, $RECYCLE.BIN, node_modules ...) are left out,
    unless they are among PATHS. Upper and lower case are one in patterns. --exclude is not remembered: give
    it each time; what was indexed and is left out now is forgotten.
    """
    from retrieval.indexing import Indexer, PreviewCompleter, RoleCompleter, select_present_roots
    from retrieval.library_kinds import get_library_kind
    from retrieval.report import print_index_summary, print_progress_lines, report_index_progress
    from retrieval.storage import Library

    kind = get_library_kind(folder)
    if heads is not None:
        require_folder(folder, "affect index --heads")
    if not kind.exists(folder) and (missing_paths := [path for path in paths if not path.exists()]):
        raise AffectError(f"{to_printable(missing_paths[0])}: no such file or directory")
    Exclusions(exclude)  # raises for a bad pattern before a library is created
    config = make_pipeline_config(preset, encoders)
    with (
        closing(_open_or_create_library(folder, config, segment, heads)) as library,
        library.lock_for_writing(),
    ):
        if heads is not None and isinstance(library, Library):
            _use_heads(library, heads)
        roots, removed_count = select_present_roots(library, paths, prune_all=prune)
        jobs = jobs or os.cpu_count() or 1
        with print_progress_lines() if print_progress else report_index_progress() as on_progress:
            indexer = Indexer(library, on_progress)
            progress = indexer.run(
                roots,
                jobs,
                retry=retry,
                recheck=recheck,
                prune=prune,
                exclude=exclude,
                encoder=_make_encoder(library, ray_address),
            )
            if isinstance(library, Library):
                _complete_roles(RoleCompleter(library, progress, on_progress, config), jobs)
                PreviewCompleter(library, progress, on_progress).run(indexer.without_preview, jobs)
        kind.update_index(library, log_progress)
        progress.removed += removed_count
        lost_abilities = [] if encoders is None else find_lost_abilities(library.config, preset)
        if as_json:
            click.echo(
                json.dumps(progress.to_json() | ({"without": lost_abilities} if lost_abilities else {}))
            )
        else:
            print_index_summary(progress, library.name, lost_abilities)


def _make_encoder(library: AnyLibrary, ray_address: str | None) -> FileEncoder | None:
    """What encodes in a Ray cluster; None for this machine."""
    from retrieval.cluster import RayEncoder

    if ray_address is None:
        return None
    return RayEncoder(address=ray_address, config=library.config, segment_seconds=library.segment_seconds)


def _complete_roles(completer: RoleCompleter, jobs: int) -> None:
    """Read items again for the roles that came since the library was made; its index files are built anew."""
    completer.read_media(jobs)
    if completer.must_install:
        with rebuild_index_after(completer.library):
            completer.install()


def _use_heads(library: Library, heads_folder: Path) -> None:
    """Project a library with the heads of a folder; its index files are built anew."""
    from retrieval.training import find_heads, install_heads

    with rebuild_index_after(library):
        install_heads(library, find_heads(heads_folder, library.pipeline))


def _open_or_create_library(
    location: Location,
    config: PipelineConfig | None,
    segment_seconds: float | None,
    heads_folder: Path | None,
) -> AnyLibrary:
    """The library at a location, created where there is none and the heads fit its encoders."""
    from encoders.media import DEFAULT_SEGMENT_SECONDS
    from retrieval.features import FeaturePipeline, PipelineConfig
    from retrieval.library_kinds import get_library_kind

    if segment_seconds is not None and math.isnan(segment_seconds):
        raise AffectError("a segment is nan seconds long; give a number from 1 to 3600")
    kind = get_library_kind(location)
    if not kind.exists(location):
        config = config or PipelineConfig.default()
        if heads_folder is not None:
            from retrieval.training import find_heads

            find_heads(heads_folder, FeaturePipeline(config))
        return kind.create(location, config, segment_seconds or DEFAULT_SEGMENT_SECONDS)
    library = open_current_library(location)
    if config is not None and not config.matches(library.config):
        raise AffectError(
            f"{to_printable(library.name)}: made with the encoders {library.config.to_json()}; leave "
            "--preset and --encoders out, or index into a new library"
        )
    if segment_seconds is not None and segment_seconds != library.segment_seconds:
        raise AffectError(
            f"{to_printable(library.name)}: made with segments of {library.segment_seconds:g} s; leave "
            "--segment out, or index into a new library"
        )
    return library
