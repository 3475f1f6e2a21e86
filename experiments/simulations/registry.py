"""All checks by topic: a new topic is a module with a function `list_checks` and a name here."""

from __future__ import annotations

from importlib import import_module

from experiments.simulations.check import SimulationCheck

TOPICS: dict[str, str] = {  # module by topic
    "intervals": "intervals",
    "composites": "composite_intervals",
    "permutation": "permutation",
    "ties": "ties",
    "splits": "splits",
    "calibration": "calibration",
    "seeds": "seeds",
    "power": "power",
}


def list_checks(topic: str) -> tuple[SimulationCheck, ...]:
    """The checks of a topic. Raises KeyError for another name."""
    checks: tuple[SimulationCheck, ...] = import_module(
        f"experiments.simulations.{TOPICS[topic]}"
    ).list_checks()
    return checks
