"""How long every ASTERIX item is: one table per category and edition, and the walk that uses it.

A record is a field specification (FSPEC) and then the items it announces, in the order of the user application
profile (UAP). Nothing else marks where an item begins, so one wrong length makes nonsense of all that follows: the
tables hold *every* item, also those Araz does not read. Source: EUROCONTROL's published category specifications;
``tests/sensors/test_asterix_tables.py`` holds each row against libasterix for every supported edition.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple


class Chained(NamedTuple):
    """Parts of ``octets`` each, as long as the lowest bit of a part (FX) is set."""

    octets: int = 1


class Repeated(NamedTuple):
    """One octet with the number of repetitions, then as many times ``octets``."""

    octets: int


class Explicit(NamedTuple):
    """One octet with the length of the whole item, itself included."""


class Compound(NamedTuple):
    """A field specification of its own, then the sub-items it announces; ``None`` is a spare bit."""

    parts: tuple[tuple[str, Shape] | None, ...]


#: The length of an item: an integer is so many octets.
Shape = int | Chained | Repeated | Explicit | Compound
Items = tuple[tuple[str, Shape] | None, ...]


class MalformedError(Exception):
    """A record that cannot be walked; carries the slug to count and the sentence to show."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _compound(text: str) -> Compound:
    return Compound(_items(text))


def _items(text: str) -> Items:
    """Return items of ``name:length`` words: ``-`` spare bit, ``x`` chained, ``rN`` repeated, ``e`` explicit."""
    return tuple(None if word == "-" else _item(*word.split(":")) for word in text.split())


def _item(name: str, code: str) -> tuple[str, Shape]:
    if code == "e":
        return name, Explicit()
    if code[0] == "x":
        return name, Chained(int(code[1:] or 1))
    if code[0] == "r":
        return name, Repeated(int(code[1:]))
    return name, int(code)


def _uap(text: str, **compounds: str) -> Items:
    """Return a profile; ``cNAME`` stands for the compound item given as ``iNAME``."""
    return tuple(
        (word[1:], _compound(compounds["i" + word[1:]])) if word[0] == "c" else _items(word)[0] for word in text.split()
    )


_CAT015: Final = _uap(
    "010:2 000:1 015:1 020:x 030:x 145:3 161:2 170:x 050:2 c270 300:r2 400:5 c600 c601 c602 c603 c604 c605 480:r5 "
    "c625 c626 c627 c628 c630 631:r8 SP:e",
    i270="LEN:2 WDT:2 HGT:2 ORT:2",
    i600="P84:8 HPR:5 HPP:5",
    i601="GH:3 RSGH:3 SDGH:3 CI6:3 CI9:3 COGHHP:2 COGHHV:2 COGHHA:2",
    i602="HV:5 RSHV:5 SDHV:5 COHVHP:4",
    i603="HA:3 SDHA:4 COHAHP:4 COHAHV:4",
    i604="VV:3 RSVV:2 SDVV:3 COVVHP:2 COVVHV:2 COVVHA:2",
    i605="VA:2 RSVA:4 COVAHP:2 COVAHV:2 COVAHA:2",
    i625="R:3 RSR:3 SDR:3 RR:3 RSRR:3 SDRR:4 RA:2 SDRA:4",
    i626="DV:3 SDDV:2 DA:2 SDDA:3 CODVR:1 CODVRR:1 CODVRA:1 CODAR:1 CODARR:1 CODARA:1",
    i627="AZ:2 RSAZ:2 SDASZ:2 AZR:2 SDAZR:3 AZEX:4",
    i628="EL:2 RSEL:2 SDEL:2 ER:2 SDER:3 ELEX:4",
    i630="DPP:1 DPS:1 RPP:2 RPS:1",
)

_CAT034: Final = _uap(
    "010:2 000:1 030:3 020:1 041:2 c050 c060 070:r2 100:8 110:1 120:8 090:2 RE:e SP:e",
    i050="COM:1 - - PSR:1 SSR:1 MDS:2",
    i060="COM:1 - - PSR:1 SSR:1 MDS:1",
)

_CAT048: Final = _uap(
    "010:2 140:3 020:x 040:4 070:2 090:2 c130 220:3 240:6 250:r8 161:2 042:4 200:4 170:x 210:4 030:x 080:2 100:4 "
    "110:2 c120 230:2 260:7 055:1 050:2 065:1 060:2 SP:e RE:e",
    i130="SRL:1 SRR:1 SAM:1 PRL:1 PAM:1 RPD:1 APD:1",
    i120="CAL:2 RDS:r6",
)

_CAT062: Final = _uap(
    "010:2 - 015:1 070:3 105:8 100:6 185:4 210:2 060:2 245:7 c380 040:2 080:x c290 200:1 c295 136:2 130:2 135:2 220:2 "
    "c390 270:x 300:1 c110 120:2 510:x3 c500 c340 - - - - - RE:e SP:e",
    i380="ADR:3 ID:6 MHG:2 IAS:2 TAS:2 SAL:2 FSS:2 TIS:x TID:r15 COM:2 SAB:2 ACS:7 BVR:2 GVR:2 RAN:2 TAR:2 TAN:2 GS:2 "
    "VUN:1 MET:8 EMC:1 POS:6 GAL:2 PUN:1 MB:r8 IAR:2 MAC:2 BPS:2",
    i290="TRK:1 PSR:1 SSR:1 MDS:1 ADS:2 ES:1 VDL:1 UAT:1 LOP:1 MLT:1",
    i295="MFL:1 MD1:1 MD2:1 MDA:1 MD4:1 MD5:1 MHG:1 IAS:1 TAS:1 SAL:1 FSS:1 TID:1 COM:1 SAB:1 ACS:1 BVR:1 GVR:1 RAN:1 "
    "TAR:1 TAN:1 GSP:1 VUN:1 MET:1 EMC:1 POS:1 GAL:1 PUN:1 MB:1 IAR:1 MAC:1 BPS:1",
    i390="TAG:2 CS:7 IFI:4 FCT:1 TAC:4 WTC:1 DEP:4 DST:4 RDS:3 CFL:2 CTL:2 TOD:r4 AST:6 STS:1 STD:7 STA:7 PEM:2 PEC:7",
    i110="SUM:1 PMN:4 POS:6 GA:2 EM1:2 TOS:1 XP:1",
    i500="APC:4 COV:2 APW:4 AGA:1 ABA:1 ATV:2 AA:2 ARC:1",
    i340="SID:2 POS:4 HEIGHT:2 MDC:2 MDA:2 TYP:1",
)

#: Lengths by category. Between the supported editions of a category they differ only in how many parts a chained item
#: may have (I048/020 grew from 2 to 6, I062/080 from 6 to 7), and the walk follows the FX bits as far as they go.
UAPS: Final[Mapping[int, Items]] = {15: _CAT015, 34: _CAT034, 48: _CAT048, 62: _CAT062}

#: Editions whose lengths, units and bit places are held against libasterix.
EDITIONS: Final[Mapping[int, tuple[str, ...]]] = {
    15: ("1.0", "1.1", "1.2"),
    34: ("1.27", "1.28", "1.29"),
    48: ("1.27", "1.28", "1.29", "1.30", "1.31", "1.32"),
    62: ("1.16", "1.17", "1.18", "1.19", "1.20", "1.21"),
}


def read_fspec(data: bytes, at: int, end: int) -> int:
    """Return where the field specification that begins at ``at`` ends: its octets go on while the lowest bit is set."""
    while at < end:
        at += 1
        if not data[at - 1] & 1:
            return at
    raise MalformedError("truncated", "A record ends inside its field specification: the sender or the link cut it.")


@lru_cache(maxsize=4096)
def plan_of(category: int, fspec: bytes) -> tuple[tuple[str, int, Shape], ...]:
    """Return (item, its octets or 0, its shape) of what ``fspec`` announces, in order.

    Cached: a radar uses a handful of field specifications. Fails with ``MalformedError`` for a bit without an item.
    """
    return _plan(UAPS[category], fspec)


def _plan(items: Items, fspec: bytes) -> tuple[tuple[str, int, Shape], ...]:
    steps = []
    for index in range(7 * len(fspec)):
        if fspec[index // 7] & (0x80 >> (index % 7)):
            item = items[index] if index < len(items) else None
            if item is None:
                detail = (
                    f"The field specification {fspec.hex()} announces item number {index + 1}, which does not exist."
                )
                raise MalformedError("bad-fspec", detail)
            steps.append((item[0], item[1] if isinstance(item[1], int) else 0, item[1]))
    return tuple(steps)


_COMPOUNDS: Final = {
    (category, item[0]): item[1]
    for category, items in UAPS.items()
    for item in items
    if item is not None and isinstance(item[1], Compound)
}


class _Layout(NamedTuple):
    """Where the sub-items of a compound item lie behind its field specification, up to the first of varying length."""

    fixed: tuple[tuple[str, int], ...]
    fixed_octets: int
    rest: tuple[tuple[str, int, Shape], ...]


@lru_cache(maxsize=4096)
def _layout(category: int, item: str, fspec: bytes) -> _Layout:
    steps, fixed, at = _plan(_COMPOUNDS[category, item].parts, fspec), list[tuple[str, int]](), 0
    while len(fixed) < len(steps) and steps[len(fixed)][1]:
        name, octets, _ = steps[len(fixed)]
        fixed.append((name, at))
        at += octets
    return _Layout(tuple(fixed), at, steps[len(fixed) :])


def walk_record(category: int, data: bytes, at: int, end: int) -> tuple[dict[str, int], int]:
    """Return (offset of every item present, where the next record begins) for the record at ``at``.

    Fails with ``MalformedError`` when the record does not fit before ``end`` or announces what does not exist.
    """
    start = at
    at = read_fspec(data, at, end)
    offsets: dict[str, int] = {}
    for name, octets, shape in plan_of(category, data[start:at]):
        offsets[name] = at
        if octets:
            at += octets
        elif type(shape) is Compound:
            at = _walk_compound(category, name, data, at, end)[1]
        else:
            at = _skip(shape, data, at, end)
        if at > end:
            raise MalformedError("truncated", f"Item I{category:03d}/{name} ends {at - end} octets after its block.")
    return offsets, at


def _skip(shape: Shape, data: bytes, at: int, end: int) -> int:
    """Return where an item of varying length ends; may lie after ``end``, which the caller refuses."""
    if at >= end:
        return end + 1
    if isinstance(shape, Chained):
        return _skip_chained(shape.octets, data, at, end)
    if isinstance(shape, Repeated):
        return at + 1 + shape.octets * data[at]
    if data[at] == 0:
        raise MalformedError("bad-length", "An explicit item (RE or SP) gives its own length as 0 octets.")
    return at + data[at]


def _skip_chained(octets: int, data: bytes, at: int, end: int) -> int:
    while True:
        at += octets
        if at > end or not data[at - 1] & 1:
            return at


def _walk_compound(category: int, item: str, data: bytes, at: int, end: int) -> tuple[dict[str, int], int]:
    """Return (offset of every sub-item present, where the compound item ends), like ``walk_record``."""
    start = at
    at = read_fspec(data, at, end)
    layout = _layout(category, item, data[start:at])
    offsets = {name: at + offset for name, offset in layout.fixed}
    at += layout.fixed_octets
    for name, octets, shape in layout.rest:
        offsets[name] = at
        at = at + octets if octets else _skip(shape, data, at, end)
        if at > end:
            break
    return offsets, at


def part_offsets(category: int, item: str, data: bytes, at: int) -> dict[str, int]:
    """Return the offset of every sub-item present in the compound ``item`` at ``at``, which was walked before."""
    return _walk_compound(category, item, data, at, len(data))[0]
