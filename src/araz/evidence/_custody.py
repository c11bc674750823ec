"""Custody: who had which exhibit, when and why; a hand-over is complete only when both hands have signed.

Follows the shape of ISO/IEC 27037 (identify, collect, acquire, preserve; every transfer recorded) and of INTERPOL's
framework for responding to a drone incident (exhibit forms, photographs, hashes). State is a value; a record that
breaks a rule changes nothing and is answered with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from araz.evidence._signing import canonical_json, is_signed_by


class Photograph(msgspec.Struct, frozen=True, kw_only=True):
    """A photograph by its SHA-256 (hex); the file lies beside the log under that name."""

    name: str
    sha256: str
    size: int


class HandRegistered(msgspec.Struct, frozen=True, kw_only=True, tag="hand-registered"):
    """A post or officer's number (never a name) and the public key it signs with; signed by that key itself."""

    key: str
    service: str


class ExhibitTaken(msgspec.Struct, frozen=True, kw_only=True, tag="exhibit-taken"):
    """A thing was seized: a drone, card, controller, package, or another."""

    category: str
    description: str
    seal: str = ""
    """Number of the sealed bag."""
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    photographs: list[Photograph] = []


class Photographed(msgspec.Struct, frozen=True, kw_only=True, tag="photographed"):
    """More photographs of an exhibit."""

    photographs: list[Photograph]
    description: str = ""


class Offered(msgspec.Struct, frozen=True, kw_only=True, tag="offered"):
    """The holder offers the exhibit to another hand; it stays with the holder until that hand accepts."""

    to: str
    seal: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    """The other hand takes it, and says in which state: the seal it found."""

    seal: str = ""
    description: str = ""


class Examined(msgspec.Struct, frozen=True, kw_only=True, tag="examined"):
    """The holder examined it: with what, and what was found; a copy of a card by its SHA-256."""

    finding: str
    tool: str = ""
    image_sha256: str = ""


class ReturnedToOwner(msgspec.Struct, frozen=True, kw_only=True, tag="returned-to-owner"):
    """Custody ends: it was given back, by which order."""

    description: str


class Destroyed(msgspec.Struct, frozen=True, kw_only=True, tag="destroyed"):
    """Custody ends: it was destroyed, by which order."""

    description: str


What = HandRegistered | ExhibitTaken | Photographed | Offered | Accepted | Examined | ReturnedToOwner | Destroyed


class CustodyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what with which exhibit, when and why; ``signature`` (hex) is Ed25519 over the rest as canonical JSON."""

    at_us: int
    who: str
    exhibit: str
    """Its number; empty for a hand that registers."""
    what: What
    why: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Where an exhibit is: with whom, offered to whom (None: to nobody), under which seal, whether custody ended."""

    holder: str
    offered_to: str | None = None
    seal: str = ""
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Custody:
    """All hands with their keys, all exhibits, and the time of the last record."""

    keys: Mapping[str, str] = field(default_factory=dict)
    exhibits: Mapping[str, Exhibit] = field(default_factory=dict)
    at_us: int = 0


def sign_record(record: CustodyRecord, key: Ed25519PrivateKey) -> CustodyRecord:
    """The record with its hand's signature."""
    return msgspec.structs.replace(record, signature=key.sign(_text(record)).hex())


def custody_step(state: Custody, record: CustodyRecord) -> Custody | str:
    """Take one record: the new state, or the sentence that says which rule it breaks."""
    if not record.why.strip() or not record.who.strip():
        return "every record says who and why; give both"
    if record.at_us < state.at_us:
        return "it lies before the record that came last; custody only goes forward"
    key = record.what.key if isinstance(record.what, HandRegistered) else state.keys.get(record.who)
    if key is None:
        return f"the hand {record.who!r} has registered no key; register it first"
    try:
        is_signed = is_signed_by(key, bytes.fromhex(record.signature), _text(record))
    except ValueError:
        is_signed = False
    if not is_signed:
        return f"the signature is not that of {record.who!r}"
    changed = _registered(state, record) if isinstance(record.what, HandRegistered) else _handled(state, record)
    return changed if isinstance(changed, str) else replace(changed, at_us=record.at_us)


def custody_of(records: Iterable[CustodyRecord]) -> tuple[Custody, list[str]]:
    """The state after all records, and a sentence for each that breaks a rule (those change nothing)."""
    state, objections = Custody(), list[str]()
    for number, record in enumerate(records, 1):
        after = custody_step(state, record)
        if isinstance(after, str):
            objections.append(f"record {number} ({record.exhibit or record.who}): {after}")
        else:
            state = after
    return state, objections


def _text(record: CustodyRecord) -> bytes:
    return canonical_json(msgspec.structs.replace(record, signature=""))


def _registered(state: Custody, record: CustodyRecord) -> Custody | str:
    assert isinstance(record.what, HandRegistered)
    if state.keys.get(record.who, record.what.key) != record.what.key:
        return f"the hand {record.who!r} has another key already; register under a new id"
    return replace(state, keys={**state.keys, record.who: record.what.key})


def _handled(state: Custody, record: CustodyRecord) -> Custody | str:
    what, known = record.what, state.exhibits.get(record.exhibit)
    if isinstance(what, ExhibitTaken):
        if known is not None or not record.exhibit:
            return f"the exhibit number {record.exhibit!r} is taken or empty; use a new one"
        return _with(state, record, Exhibit(record.who, seal=what.seal))
    if known is None:
        return f"there is no exhibit {record.exhibit!r}"
    if known.is_closed:
        return f"custody of {record.exhibit!r} has ended"
    if isinstance(what, Accepted):
        if known.offered_to != record.who:
            return f"{record.exhibit!r} was not offered to {record.who!r}: a hand-over needs both hands"
        if what.seal != known.seal:
            return f"the seal found is {what.seal!r}, not {known.seal!r}: examine and record that before accepting"
        return _with(state, record, Exhibit(record.who, seal=known.seal))
    if known.holder != record.who:
        return f"{record.exhibit!r} is held by {known.holder!r}, not by {record.who!r}"
    if isinstance(what, Offered):
        if what.to not in state.keys or what.to == record.who:
            return f"the hand {what.to!r} has registered no key, or is the holder itself"
        return _with(state, record, replace(known, offered_to=what.to, seal=what.seal or known.seal))
    return _with(state, record, replace(known, is_closed=isinstance(what, ReturnedToOwner | Destroyed)))


def _with(state: Custody, record: CustodyRecord, exhibit: Exhibit) -> Custody:
    return replace(state, exhibits={**state.exhibits, record.exhibit: exhibit})
