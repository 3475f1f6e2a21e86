"""What a text says of the medium and not of its content: "a photo of" a beach."""

from __future__ import annotations

import re

MEDIA_NOUNS = "photos?|photographs?|pictures?|pics?|images?|snapshots?|shots?|videos?|clips?|footage|movies?"
MEDIA_PROMPT = rf"(?:(?:an?|the|some|any|all|my|our) )?(?:{MEDIA_NOUNS}) (?:of|with|showing|containing) "
"""Patterns of regular expressions, for a text in lower case with single spaces."""

_LEADING_PROMPT = re.compile(r"\s*" + MEDIA_PROMPT.replace(" ", r"\s+"), re.IGNORECASE)


def strip_media_prompt(text: str) -> str:
    """The text without "a photo of" and the like at its start; as it is where nothing else is left."""
    prompt = _LEADING_PROMPT.match(text)
    return text if prompt is None else text[prompt.end() :] or text
