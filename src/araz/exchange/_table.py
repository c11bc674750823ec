"""CSV: one row a track and picture, every field of the record; lists joined by blanks, unknown left empty."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from araz.vocabulary import Picture, Track, real_tracks

#: Time of the picture first, then the fields of ``Track`` in their order; the reasons stand there in English already.
TRACK_COLUMNS: Final = ("at_us", *(name for name in Track.__struct_fields__ if name != "verdict_said"))


def csv_of_tracks(pictures: Iterable[Picture]) -> Iterator[str]:
    """Yield the lines of the table, the head first."""
    yield _line(TRACK_COLUMNS)
    for picture in pictures:
        for track in real_tracks(picture):
            if track.is_confirmed:
                plain = msgspec.to_builtins(track)
                yield _line([picture.at_us, *(_cell(plain.get(name)) for name in TRACK_COLUMNS[1:])])


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return value


def _line(row: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    return out.getvalue()
