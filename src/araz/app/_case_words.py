"""The words of a case's report, in English and in Azerbaijani, from the one catalogue that the console speaks too."""

from __future__ import annotations

from araz.vocabulary import MESSAGES, in_language, phrase


def word(name: str, language: str, **values: object) -> str:
    """Return a word or sentence of the report in a language, its braces filled."""
    return in_language(
        phrase(f"case.{name.replace('_', '-')}", **{key: str(value) for key, value in values.items()}), language
    )


def term(family: str, name: str, language: str) -> str:
    """Return a term of a family (``incident``, ``class``, ``custody``) in a language; itself where there is none."""
    key = f"{family}.{name}"
    return in_language(phrase(key), language) if key in MESSAGES else name
