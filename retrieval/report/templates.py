"""The HTML templates of reports, and the style that all pages share."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader

THEME_PATH = files("retrieval.report") / "theme.css"


def render_template(name: str, **values: Any) -> str:
    """The page of a template in this package; values are escaped, a line of a tag alone leaves nothing."""
    return _ENVIRONMENT.get_template(name).render(**values)


def _read_template(name: str) -> str:
    return (files("retrieval.report") / name).read_text(encoding="utf-8")


_ENVIRONMENT = Environment(
    loader=FunctionLoader(_read_template), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
