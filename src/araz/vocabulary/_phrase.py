"""Sentences that can be said in either language: a key of the one catalogue and the values it needs.

A rule says ``phrase("incident-said.landing", track="T0012")``. What it gets is plain English text that remembers its
key; a record carries both, the text for whoever reads it as it is and ``Said`` for whoever speaks another language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, overload

import msgspec

from araz.vocabulary._messages import MESSAGES as _RULES
from araz.vocabulary._messages_analyst import MESSAGES_ANALYST as _ANALYST
from araz.vocabulary._messages_refusals import MESSAGES_REFUSALS as _REFUSALS

#: (English, Azerbaijani) by key.
MESSAGES: Final = _RULES | _ANALYST | _REFUSALS
LANGUAGES: Final = ("en", "az")
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Said(msgspec.Struct, frozen=True, tag="said"):
    """One sentence as a key of the message catalogue and its values; a list is joined by semicolons."""

    key: str
    values: dict[str, str | Said | list[Said]] = {}


class Phrase(str):
    """English words that remember what they were made of."""

    __slots__ = ("said",)
    said: Said


def phrase(key: str, /, **values: str | int | Sequence[str]) -> Phrase:
    """The sentence of a key, in English; KeyError for an unknown key or a missing value.

    A value is a number, a name or another phrase, or a list of phrases.
    """
    said = Said(key, {name: _value(value) for name, value in values.items()})
    return _made(_words(said, "en"), said)


def _made(text: str, said: Said) -> Phrase:
    made = Phrase(text)
    made.said = said
    return made


def _value(value: str | int | Sequence[str]) -> str | Said | list[Said]:
    if isinstance(value, Phrase):
        return value.said
    if isinstance(value, str | int):
        return str(value)
    return [said_of(one) for one in value]


def said_of(text: str) -> Said:
    """What a record keeps beside a text; a text that no catalogue made is said as it is in every language."""
    return text.said if isinstance(text, Phrase) else Said("text.plain", {"text": text})


@overload
def phrase_of(text: str, said: Said) -> Phrase: ...
@overload
def phrase_of(text: str, said: Said | None) -> str: ...
def phrase_of(text: str, said: Said | None) -> str:
    """The text of a record, with what it was made of where the record has it; records of before have the text only."""
    return text if said is None else _made(text, said)


def phrases_of(texts: Sequence[str], said: Sequence[Said]) -> list[str]:
    """The same for a list, which is whole or (in records of before) not there at all."""
    return list(texts) if len(said) != len(texts) else list(map(_made, texts, said))


def in_language(text: str, language: str) -> str:
    """A text as a reader of that language needs it: a phrase is said anew, anything else stays as it is.

    So does a phrase of a key that this version does not know, or lacks a value of: a record of another version is read.
    """
    if language not in LANGUAGES:
        raise ValueError(f"There is no language {language!r} here; choose one of {', '.join(LANGUAGES)}.")
    if language == LANGUAGES[0] or not isinstance(text, Phrase):
        return str(text)
    try:
        return _words(text.said, language)
    except KeyError:
        return str(text)


def said_anew(record: Any, language: str) -> Any:
    """A record as plain dicts and lists, each phrase in it in that language."""
    return msgspec.to_builtins(record, enc_hook=lambda text: in_language(_known(text), language))


def told_with(record: Any, plain: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """A record as plain dicts and lists with, under ``said``, what each English sentence in it was made of.

    ``plain`` makes something plain of what is neither a phrase nor known to msgspec.
    """
    said: dict[str, Said] = {}

    def hook(value: Any) -> Any:
        if isinstance(value, Phrase) or plain is None:
            said[str(value)] = _known(value).said
            return str(value)
        return plain(value)

    told: dict[str, Any] = msgspec.to_builtins(record, enc_hook=hook)
    return told | {"said": said}


def _known(value: Any) -> Phrase:
    if isinstance(value, Phrase):
        return value
    raise NotImplementedError(f"cannot say a {type(value).__name__}")


def _words(said: Said, language: str) -> str:
    template = MESSAGES[said.key][LANGUAGES.index(language)]
    return _PLACE.sub(lambda found: _filled(found[1], said.values, language), template)


def _filled(place: str, values: Mapping[str, str | Said | list[Said]], language: str) -> str:
    """A value in place; ``{What}`` is the value ``what`` with a capital letter."""
    name = place[0].lower() + place[1:]
    value = values[name]
    if isinstance(value, str):
        words = value
    elif isinstance(value, Said):
        words = _words(value, language)
    else:
        words = "; ".join(_words(one, language) for one in value)
    if name == place or not words:
        return words
    first = "İ" if language == "az" and words[0] == "i" else words[0].upper()
    return first + words[1:]
