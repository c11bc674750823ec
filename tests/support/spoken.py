"""Judges what records say: each text that people read is there in Azerbaijani too, with no English left."""

import re

import msgspec

from araz.vocabulary import MESSAGES, in_language, phrase_of

#: A text and what it was made of; lists go pair by pair.
PAIRS = {
    "sentence": "said",
    "text": "said",
    "label": "said",
    "why": "why_said",
    "to_decide": "to_decide_said",
    "not_seen": "not_seen_said",
    "verdict_reasons": "verdict_said",
    "causes": "causes_said",
}
#: Words that no Azerbaijani sentence has; names and codes (a patrol's, a road's, Remote ID) may be in any language.
ENGLISH = frozenset(
    re.findall(
        r"\w+",
        """the is are was were it its and or no not with without within from over above below before after when where
        that this there they has have had been seen heard says said flies flew stood still ground inside outside since
        while another other others only than then at of in to by for as all one many who what release load drone drones
        sure means little minutes month months year years chance change intervals kilograms between more less
        few too every each does would needed given""",
    )
)


def plain_values(said):
    """Every word that is the same in each language, wherever in the sentence it stands."""
    for value in said.values.values():
        if isinstance(value, str):
            yield value
        else:
            for one in value if isinstance(value, list) else [value]:
                yield from plain_values(one)


def left_in_english(text, said, free=()):
    """Words of English in the Azerbaijani sentence that are no free text of a person's."""
    words = in_language(phrase_of(text, said), "az")
    for one in free:
        words = words.replace(one, " ")
    return english_in(words)


def english_in(words):
    """Words of English in a text of Azerbaijani; ``position_km``, ``--buffer`` and the like are names."""
    return {word for word in re.findall(r"(?<![\w/-])[a-zəğıöşçü]+(?![\w/])", words.lower()) if word in ENGLISH}


def check_spoken(record, free=()):
    """Hold a record, and every record in it, to the two languages; ``free`` are texts that people wrote."""
    for name, beside in PAIRS.items():
        if not hasattr(record, name) or not hasattr(record, beside):
            continue
        texts, said = getattr(record, name), getattr(record, beside)
        if not isinstance(texts, list):
            texts, said = ([texts], [said]) if texts else ([], [])
        assert len(texts) == len(said), f"{type(record).__name__}.{name} has no {beside}: {texts}"
        for text, one in zip(texts, said, strict=True):
            assert one is not None, f"{type(record).__name__}.{name} in English only: {text!r}"
            assert one.key != "text.plain" or text in free, f"no rule of the catalogue made {text!r}"
            assert one.key in MESSAGES
            assert not left_in_english(text, one, free), in_language(phrase_of(text, one), "az")
    for field in record.__struct_fields__:
        value = getattr(record, field)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, msgspec.Struct) and type(one).__name__ not in ("Said", "ScreenShown"):
                check_spoken(one, free)
