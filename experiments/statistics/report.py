"""The report of a benchmark: a table of estimates, requirements, and the machine it ran on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from retrieval.evaluation import Estimate, format_number
from retrieval.provenance import COMPUTING_PACKAGES, get_package_version


@dataclass(frozen=True)
class Requirement:
    """A measured value that has to be at least, or at most, `bound`."""

    name: str
    value: float
    bound: float
    is_minimum: bool

    @property
    def is_met(self) -> bool:
        """Whether the value is within the bound."""
        return self.value >= self.bound if self.is_minimum else self.value <= self.bound

    def __str__(self) -> str:
        """One line with the value, the bound and whether it is met."""
        bound = f"at {'least' if self.is_minimum else 'most'} {self.bound:g}"
        return (
            f"{self.name}: {format_number(self.value)}, {bound} wanted: {'met' if self.is_met else 'MISSED'}"
        )

    def to_json(self) -> dict[str, Any]:
        """As printed with --json."""
        bound = "least" if self.is_minimum else "most"
        return {"what": self.name, "found": self.value, bound: self.bound, "met": self.is_met}


Cell = Estimate | float | str | None


@dataclass(frozen=True, kw_only=True)
class BenchmarkReport:
    """The result of a benchmark: its settings, a row for each method or data set, requirements and notes."""

    benchmark: str
    settings: Mapping[str, Any]
    rows: Sequence[Mapping[str, Cell]]
    requirements: Sequence[Requirement] = ()
    notes: Sequence[str] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As printed with --json, with the machine and the versions of packages."""
        return {
            "bench": self.benchmark, "machine": describe_machine(), "settings": dict(self.settings),
            "rows": [{name: _cell_to_json(cell) for name, cell in row.items()} for row in self.rows],
            "bars": [requirement.to_json() for requirement in self.requirements], "notes": list(self.notes),
        }  # fmt: skip

    def format_lines(self) -> list[str]:
        """The table, the requirements, the notes and the machine, as lines of text."""
        machine = describe_machine()
        packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
        return [
            *format_table(self.rows),
            "",
            *map(str, self.requirements),
            *self.notes,
            f"settings: {', '.join(f'{name} {value}' for name, value in self.settings.items())}",
            f"machine: {machine['cores']} cores, {machine['cpu']}, load {machine['load']}, {machine['date']}",
            f"python {machine['python']}, {packages}",
        ]


def print_report(report: BenchmarkReport, *, as_json: bool) -> None:
    """Print a report as text or as one JSON object."""
    click.echo(json.dumps(report.to_json()) if as_json else "\n".join(report.format_lines()))


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def add_seed_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option --seed of the random generator."""
    return click.option("--seed", type=click.IntRange(0), default=0, show_default=True)(command)


def format_table(rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """Rows as lines of aligned columns under their names; missing cells are blank."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_format_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def describe_machine() -> dict[str, Any]:
    """What figures depend on besides the code: processor, memory in GiB, load, date and versions."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": get_cpu_name(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: number for name in COMPUTING_PACKAGES if (number := get_package_version(name))},
    }


def get_cpu_name() -> str:
    """The model name of the processor."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cell_to_json(cell: Cell) -> Any:
    return cell.to_json() if isinstance(cell, Estimate) else cell


def _format_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    return format_number(cell) if isinstance(cell, int | float) else str(cell)
