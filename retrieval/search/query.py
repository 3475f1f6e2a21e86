"""A query: one or more parts, by content and mood, and how its results are to be selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from encoders import AffectError
from retrieval.features import SPACES
from retrieval.search.fusion_rules import DEFAULT_FUSION
from retrieval.search.query_fields import (
    FIELD_BY_JSON_NAME,
    FIELD_PARSERS,
    validate_query_text,
)
from retrieval.search.query_media import QueryMedia
from retrieval.search.query_moods import (
    Mood,
    PhraseAffect,
    describe_mood,
    get_mood_point,
    place_landmark,
    validate_moods,
)
from retrieval.search.query_reading import QueryText
from retrieval.search.query_validation import validate_dial, validate_fusion, validate_selection
from retrieval.storage import MODALITIES

MOOD_AFFECT_WEIGHT = 0.5  # of a mood beside content
NUDGE_AFFECT_WEIGHT = 0.7  # of a nudge, see `spaces.circumplex.nudges.STEP_SDS`
DEFAULT_BALANCE = 1.05  # how strongly a merged list alternates between modalities; 1 is by score alone


@dataclass(frozen=True, kw_only=True)
class Query:
    """Text, an image, a sound, a video, an item of the library, or several of them at once.

    exclude: texts of what is not wanted ("not" in JSON); alone, the query looks for what matches none of them
    under, since, until: only items with a file at or below this absolute path, changed since and before these
            moments
    mood:   the target on the valence-arousal plane: (valence, arousal) in [-1, 1], or words. A landmark such
            as "calm" becomes its point here; the affect of any other phrase is estimated in the search, see
            `retrieval.search.affect_search.resolve_mood`. Without a mood, a dial above 0 uses the affect of
            the query's own content
    radius: makes the mood, or that which the text names, a region of the plane: items that lie within it, by
            their estimates' SDs
    then:   makes the mood the start of a course: the moods that follow, in order, up to the end
    nudges: names of NUDGES: the mood is that of the query's content, moved so ("nudge" in JSON)
    not_moods: moods that are not wanted ("not_mood" in JSON); alone, the query looks for what feels like none
    affect: the dial from 0, content alone, to 1, mood alone; see `affect_weight`
    mood_from_words: the mood is what the emotion words of the text name ("a gloomy street"); it moves the
            scores of the content instead of being averaged with them, and where the text has no such word the
            results are those of its content to the bit; see `retrieval.search.words_mood`
    fusion: the rule by which the scores of the spaces become one: mean, rrf or learned, see
            `retrieval.search.fusion_rules`
    balance: c of the balanced merge, or the least share of the exposure that modalities are to have: then the
            least c that gives it, see `fusion.exposure`
    diversify: the tradeoff of maximal marginal relevance, 1 for relevance alone to 0; None to leave it out
    reading: how text and exclusions are read, see `retrieval.search.query_text`; set by the engine

    Raises AffectError where a value makes no sense.
    """

    text: str | None = None
    image: Path | QueryMedia | None = None
    audio: Path | QueryMedia | None = None
    video: Path | QueryMedia | None = None
    item: str | None = None
    exclude: tuple[str, ...] = ()
    k: int = 10
    under: Path | None = None
    since: datetime | None = None
    until: datetime | None = None
    modalities: tuple[str, ...] = MODALITIES
    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SPACES, 1.0))
    balance: float | Mapping[str, float] = DEFAULT_BALANCE
    min_score: float = 0.0
    mood: Mood | None = None
    radius: float | None = None
    then: tuple[Mood, ...] = ()
    nudges: tuple[str, ...] = ()
    not_moods: tuple[Mood, ...] = ()
    affect: float | None = None
    mood_from_words: bool = False
    fusion: str = DEFAULT_FUSION
    diversify: float | None = None
    reading: QueryText | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        for text in [*([] if self.text is None else [self.text]), *self.exclude]:
            validate_query_text(text)
        self._place_moods()
        if not (self.parts or self.mood is not None or self.exclude or self.not_moods):
            raise AffectError(
                "nothing to look for; give words, a picture, a sound, a video, an item or a mood"
            )
        validate_dial(self)
        validate_selection(self)
        validate_fusion(self)

    def _place_moods(self) -> None:
        """Make landmarks points, and check that the moods make sense together."""
        if self.mood is not None:
            object.__setattr__(self, "mood", place_landmark(self.mood))
        for name in ("then", "not_moods"):
            object.__setattr__(self, name, tuple(map(place_landmark, getattr(self, name))))
        validate_moods(self)

    @property
    def target_affect(self) -> tuple[float, float] | None:
        """(valence, arousal) of the mood asked for; None without one, or while a phrase waits to be read."""
        return None if self.mood is None else get_mood_point(self.mood)

    @property
    def affect_weight(self) -> float:
        """0 by content alone to 1 by mood alone: as given, else by what is asked for.

        0 where the mood is to come from words that name none.
        """
        if not self.parts:
            return 0.0 if self.mood is None else 1.0
        if self.mood_from_words and self.mood is None:
            return 0.0
        if self.affect is not None:
            return self.affect
        if self.nudges:
            return NUDGE_AFFECT_WEIGHT
        return 0.0 if self.mood is None else MOOD_AFFECT_WEIGHT

    @property
    def names_mood(self) -> bool:
        """Whether it names the mood to look for, or how that differs from its content's."""
        return self.mood is not None or bool(self.nudges)

    @property
    def parts(self) -> dict[str, Any]:
        """What was given, by kind, in a fixed order."""
        given = {kind: getattr(self, kind) for kind in ("text", "image", "audio", "video", "item")}
        return {kind: value for kind, value in given.items() if value is not None}

    @property
    def has_content(self) -> bool:
        """Whether it says what to look for, beside a mood and what is not wanted."""
        return any(kind != "text" or self.reading is None or self.reading.positive for kind in self.parts)

    @property
    def is_pure_negation(self) -> bool:
        """Whether it only says what is not wanted."""
        has_negatives = bool(self.not_moods or (self.reading and self.reading.negatives))
        return not self.has_content and self.mood is None and has_negatives

    def to_json(self) -> dict[str, Any]:
        """The parts as echoed with the results; a path is one that opens the file (surrogateescape)."""
        echoed: dict[str, Any] = {kind: str(value) for kind, value in self.parts.items()}
        if self.reading is not None:
            echoed |= self.reading.to_json(self.text)
        elif self.exclude:
            echoed["not"] = list(self.exclude)
        if self.mood is not None:
            echoed["mood"] = self.mood if self.target_affect is None else list(self.target_affect)
        if isinstance(self.mood, PhraseAffect):
            echoed |= {"mood_phrase": self.mood.phrase, "mood_sd": list(self.mood.sds)}
        others = {
            "radius": self.radius,
            "then": [get_mood_point(mood) or mood for mood in self.then],
            "nudge": list(self.nudges),
            "not_mood": list(map(describe_mood, self.not_moods)),
            "mood_from_words": self.mood_from_words,
            "fusion": "" if self.fusion == DEFAULT_FUSION else self.fusion,
        }
        echoed |= {name: value for name, value in others.items() if value}
        return {**echoed, "affect": self.affect_weight} if self.affect_weight else echoed

    @classmethod
    def from_json(cls, json_object: Mapping[str, Any], defaults: Mapping[str, Any]) -> Self:
        """From one line of a query file; `defaults`, which are parsed, fill in what the line leaves out.

        Raises AffectError.
        """
        own = {FIELD_BY_JSON_NAME.get(key, key): value for key, value in json_object.items() if key != "id"}
        known = {f.name for f in fields(cls)} - {"reading"}
        if unknown := {key for key, value in own.items() if value is not None} - known:
            shown = known - set(FIELD_BY_JSON_NAME.values()) | set(FIELD_BY_JSON_NAME)
            raise AffectError(
                f"no such field: {', '.join(sorted(unknown))}; known: {', '.join(sorted(shown))}"
            )
        try:
            parsed = {
                key: FIELD_PARSERS[key](value) if key in FIELD_PARSERS else value
                for key, value in own.items()
                if value is not None
            }
            return cls(**{**{key: value for key, value in defaults.items() if value is not None}, **parsed})
        except (TypeError, ValueError, OverflowError) as bad:
            raise AffectError(f"{bad}") from bad
