"""The parameters of a search in an address: the fields of a line of a query file, under the same names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from retrieval.search import Query, QueryMedia
from retrieval.web.errors import ApiError
from retrieval.web.query_parameters import QueryParameters

MAX_RESULTS = 10_000
MAX_TEXT_LENGTH = 2000  # characters of a value
MAX_VALUES = 20  # of a parameter that may be repeated
MEDIA_FIELDS = ("image", "audio", "video")

Text = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
Texts = Annotated[list[Text], Field(max_length=MAX_VALUES)]


class SearchParameters(QueryParameters):
    """What `GET /api/search` takes."""

    text: Text = Field("", description="words, as on the command line")
    item: Text = Field("", description="id of an item to search with")
    image: Text = Field("", description="id of an uploaded picture")
    audio: Text = Field("", description="id of an uploaded sound")
    video: Text = Field("", description="id of an uploaded video")
    exclude: Texts = Field([], alias="not", description="what is not wanted; may be repeated")
    mood: Text = Field("", description="words, or valence and arousal: 0.5,-0.3")
    radius: float | None = Field(None, description="makes the mood, also of the text, a region")
    then: Texts = Field([], description="moods that follow; may be repeated")
    nudge: Texts = Field([], description="calmer, brighter ...; may be repeated")
    not_mood: Texts = Field([], description="moods that are not wanted; may be repeated")
    affect: float | None = Field(None, description="the dial from 0, content alone, to 1, mood alone")
    mood_from_words: bool = Field(False, description="take the mood from the words of the text")
    under: Text = Field("", description="only items at or below this folder")
    since: Text = Field("", description="only files changed since 2024, 2024-05 or 2024-05-31")
    until: Text = Field("", description="only files changed before that")
    k: int = Field(10, ge=1, le=MAX_RESULTS, description="how many results")
    modalities: Text = Field("", description="image,video,audio, or some of them")
    weights: Text = Field("", description="factors on the spaces' weights: object=2,audio=.5")
    fusion: Text = Field("", description="how the scores of the spaces become one")
    balance: Text = Field("", description="1.05, or least shares of the exposure: image=.3,audio=.2")
    diversify: float | None = Field(None, description="1, by score alone, to 0")
    min_score: float | None = Field(None, description="leave out what scores less")
    explain: bool = Field(False, description="add why and summary to each result")
    explain_items: Text = Field("", description="add them to the results with these ids alone: a,b")


def make_query(parameters: SearchParameters, find_upload: Callable[[str], QueryMedia]) -> Query:
    """The query that a line of a query file with these fields is.

    Raises AffectError for a query that makes no sense, and what `find_upload` raises for an unknown id.
    """
    fields: dict[str, Any] = parameters.model_dump(
        by_alias=True, exclude={"explain", "explain_items"}, exclude_defaults=True
    )
    for modality in MEDIA_FIELDS:
        if modality in fields:
            fields[modality] = media = find_upload(fields[modality])
            if media.probe.modality != modality:
                raise ApiError(400, f"{modality}: this upload is of the kind {media.probe.modality}")
    return Query.from_json(fields, {})
