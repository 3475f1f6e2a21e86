"""What the parameters of an address have in common, whatever they ask for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from starlette.datastructures import QueryParams

from retrieval.web.errors import ApiError


class QueryParameters(BaseModel):
    """Parameters of which an empty value counts as not given; others than its fields are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_empty_out(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = {
            name: [text for text in value if text != ""] if isinstance(value, list) else value
            for name, value in values.items()
        }
        return {name: value for name, value in given.items() if value not in ("", [])}

    @classmethod
    def check_repeats(cls, query: QueryParams) -> None:
        """Raises ApiError where a parameter that takes one value is given several times."""
        lists = {field.alias or name for name, field in cls.model_fields.items() if field.default == []}
        for name in query:
            if name not in lists and len(query.getlist(name)) > 1:
                raise ApiError(400, f"{name[:64]}: must be given once")
