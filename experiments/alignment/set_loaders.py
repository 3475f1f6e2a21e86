"""Which sets a study runs on: built-in ones by name, and pairs from files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from encoders import AffectError, to_printable
from experiments.alignment.csv_columns import ColumnChoice
from experiments.alignment.paired_sets import PAIRED_SETS, list_available_sets, load_set
from experiments.alignment.pairs import MultimodalReadings, PairedReadings, compute_readings_digest
from experiments.alignment.readings_csv import name_files, read_readings_csv
from experiments.alignment.synthetic import CASES, make_synthetic_pairs
from retrieval.evaluation.permutation_tests import ExchangeRule


@dataclass(frozen=True)
class SetLoader:
    """Loads the pairs of a set when it is called; `digest` of their readings where they are known before."""

    load: Callable[[], PairedReadings]
    digest: str | None = None

    def __call__(self) -> PairedReadings:
        """The pairs. Raises AffectError for a set that can't be read or studied."""
        return self.load()


Loaders = dict[str, SetLoader]
"""By the name of the set."""


def make_loaders(
    set_names: Sequence[str],
    paths: tuple[Path, ...],
    data_root: Path,
    seed: int,
    *,
    exchange: ExchangeRule | None = None,
    choice: ColumnChoice | None = None,
) -> tuple[Loaders, list[MultimodalReadings]]:
    """The loaders of sets and of every pair of modalities of files, and the readings of each file.

    Raises AffectError for an unknown set or a file that can't be read.
    """
    loaders = select_set_loaders(set_names, data_root, seed, use_default=not paths)
    readings_of_files = [
        read_readings_csv(path, exchange=exchange, choice=choice, name=name)
        for name, path in name_files(paths).items()
    ]
    for readings in readings_of_files:
        add_loaders(loaders, readings.make_pairs())
    if not loaders:
        raise AffectError(f"no sets under {to_printable(data_root)}")
    return loaders, [readings.drop_controls() for readings in readings_of_files]


def add_loaders(
    loaders: Loaders,
    sets: Sequence[PairedReadings],
    check: Callable[[PairedReadings], PairedReadings] = lambda pairs: pairs,
) -> None:
    """Add sets by their names. Raises AffectError for a name that is there already.

    check: returns pairs that can be studied, and raises AffectError for others
    """
    for pairs in sets:
        if pairs.name in loaders:
            raise AffectError(f"two sets are called {pairs.name}; rename a file, a folder or a column")
        loaders[pairs.name] = SetLoader(partial(check, pairs), compute_readings_digest(pairs))


def select_set_loaders(set_names: Sequence[str], data_root: Path, seed: int, *, use_default: bool) -> Loaders:
    """Loaders of sets by name, or of all of a kind ("synthetic", "real").

    use_default: without names, all synthetic sets and the real ones that exist. Raises AffectError for an
    unknown name.
    """
    synthetic = {f"synthetic-{name}": partial(make_synthetic_pairs, name, seed=seed) for name in CASES}
    real = {name: partial(load_set, name, data_root) for name in PAIRED_SETS}
    known: Mapping[str, Callable[[], PairedReadings]] = {**synthetic, **real}
    names_by_kind = {"synthetic": list(synthetic), "real": list(list_available_sets(data_root))}
    if not set_names and use_default:
        set_names = list(names_by_kind)
    selected = [name for word in set_names for name in names_by_kind.get(word, [word])]
    if unknown := [name for name in selected if name not in known]:
        raise AffectError(f"no set {', '.join(unknown)}; sets: synthetic, real, {', '.join(known)}")
    return {name: SetLoader(known[name]) for name in dict.fromkeys(selected)}
