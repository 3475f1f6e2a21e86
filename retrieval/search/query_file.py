"""Queries from a file or standard input, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from encoders import AffectError, iterate_lines
from retrieval.search.query import Query


def read_queries(
    lines: Iterable[str | bytes], defaults: Mapping[str, Any]
) -> Iterator[tuple[Any, Query | AffectError]]:
    """(id, query) of each line that is not blank; a bad line gives its error instead and costs no other."""
    for number, line in enumerate(iterate_lines(lines), 1):
        if not line.strip():
            continue
        name: Any = number
        try:
            given = json.loads(line)
            if not isinstance(given, dict):
                raise AffectError("a query is a JSON object")
            name = given.get("id", number)
            yield name, Query.from_json(given, defaults)
        except json.JSONDecodeError as bad:
            yield name, AffectError(f"line {number}: not JSON ({bad.msg} at column {bad.colno})")
        except (ValueError, RecursionError) as bad:  # not UTF-8, a number of 5,000 digits, 1,000 brackets
            yield name, AffectError(f"line {number}: not JSON that can be read ({bad})")
        except AffectError as bad:
            yield name, AffectError(f"line {number}: {bad}")
