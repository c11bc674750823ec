"""The commands of custody: register a hand, take an exhibit, photograph it, hand it over, examine it, end custody."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app._aside import CUSTODY_SOURCE, PHOTOGRAPH_SOURCE
from araz.app._keys import Password, open_key
from araz.app._office import PHOTOGRAPHS, read_custody
from araz.app._rim import say, wall_clock_us
from araz.app._station import Item, handed_over
from araz.app._summary import clock_text
from araz.evidence import (
    Accepted,
    CustodyRecord,
    Destroyed,
    Examined,
    ExhibitTaken,
    HandRegistered,
    Offered,
    Photograph,
    Photographed,
    ReturnedToOwner,
    What,
    canonical_json,
    custody_of,
    custody_step,
    public_pem,
    sign_record,
)
from araz.store import MAX_PAYLOAD_BYTES, Journal

custody = cyclopts.App(name="custody", help="Exhibits: who had what, when and why; a hand-over needs both hands.")

Log = Annotated[Path, Parameter(name="--log", help="The custody journal; beside the night's it goes into its cases.")]
By = Annotated[str, Parameter(help="Who acts: a post or an officer's number, never a name.")]
Key = Annotated[Path, Parameter(help="The private key of that hand (araz case key makes one).")]
Why = Annotated[str, Parameter(help="The reason, for the record.")]
Photo = Annotated[tuple[Path, ...], Parameter(name="--photo", help="A photograph; give it again for more.")]
DEFAULT_LOG = Path("out/custody.journal")


@custody.command
def hand(
    by: str, *, service: str, key: Key, why: Why = "takes part", log: Log = DEFAULT_LOG, password: Password = ""
) -> int:
    """Register the key with which a hand signs.

    Example: araz custody hand post-4 --service "border service" --key post-4.pem --log out/custody.journal
    """
    public = public_pem(open_key(key, password))
    return _record(log, by, "", HandRegistered(key=public, service=service), why, key, password)


@custody.command
def take(
    exhibit: str, *, category: Literal["drone", "card", "controller", "package", "other"], description: str, by: By,
    key: Key, why: Why, seal: Annotated[str, Parameter(help="Number of the sealed bag.")] = "",
    latitude: float | None = None, longitude: float | None = None, photo: Photo = (), log: Log = DEFAULT_LOG,
    password: Password = "",
) -> int:  # fmt: skip
    r"""Record a seized thing under an exhibit number, with photographs.

    Example: araz custody take E-1 --category drone --description "hexacopter, 10 kg hook" --seal B-77 \
             --photo front.jpg --photo hook.jpg --by post-4 --key post-4.pem --why "found at the drop"
    """
    what = ExhibitTaken(category=category, description=description, seal=seal, latitude_deg=latitude,
                        longitude_deg=longitude, photographs=_photographs(log, photo))  # fmt: skip
    return _record(log, by, exhibit, what, why, key, password)


@custody.command
def photograph(
    exhibit: str, *, photo: Photo, by: By, key: Key, why: Why, log: Log = DEFAULT_LOG, password: Password = ""
) -> int:
    """Add photographs of an exhibit; each is kept under its SHA-256."""
    return _record(log, by, exhibit, Photographed(photographs=_photographs(log, photo)), why, key, password)


@custody.command
def offer(
    exhibit: str, *, to: str, by: By, key: Key, why: Why, seal: str = "", log: Log = DEFAULT_LOG,
    password: Password = "",
) -> int:  # fmt: skip
    """Offer an exhibit to another hand; it stays with you until that hand accepts.

    Example: araz custody offer E-1 --to lab-2 --by post-4 --key post-4.pem --why "examination"
    """
    return _record(log, by, exhibit, Offered(to=to, seal=seal), why, key, password)


@custody.command
def accept(
    exhibit: str, *, seal: Annotated[str, Parameter(help="Number of the seal as you found it.")] = "", by: By, key: Key,
    why: Why, description: str = "", log: Log = DEFAULT_LOG, password: Password = "",
) -> int:  # fmt: skip
    """Take an exhibit that was offered to you.

    Example: araz custody accept E-1 --seal B-77 --by lab-2 --key lab-2.pem --why "examination"
    """
    return _record(log, by, exhibit, Accepted(seal=seal, description=description), why, key, password)


@custody.command
def examine(
    exhibit: str, *, finding: str, tool: str = "",
    image: Annotated[Path | None, Parameter(help="Copy of a card.")] = None, by: By, key: Key, why: Why,
    log: Log = DEFAULT_LOG, password: Password = "",
) -> int:  # fmt: skip
    """Record an examination; a card's copy goes in by its SHA-256."""
    digest = "" if image is None else _sha256(image)
    return _record(log, by, exhibit, Examined(finding=finding, tool=tool, image_sha256=digest), why, key, password)


@custody.command
def close(
    exhibit: str, *, how: Literal["returned", "destroyed"], description: Annotated[str, Parameter(help="The order.")],
    by: By, key: Key, why: Why, log: Log = DEFAULT_LOG, password: Password = "",
) -> int:  # fmt: skip
    """End custody: given back or destroyed, by which order."""
    what = ReturnedToOwner(description=description) if how == "returned" else Destroyed(description=description)
    return _record(log, by, exhibit, what, why, key, password)


@custody.command(name="list")
def list_records(*, log: Log = DEFAULT_LOG) -> int:
    """Print where every exhibit is and how it came there; 1 when a record breaks a rule or was altered."""
    records = read_custody(log)
    state, objections = custody_of(records)
    for record in records:
        kind = msgspec.to_builtins(record.what)["type"]
        say(f"{clock_text(record.at_us)}  {record.exhibit or '-':10} {kind:18} {record.who}: {record.why}")
    for number, exhibit in state.exhibits.items():
        end = "custody ended" if exhibit.is_closed else f"offered to {exhibit.offered_to}" if exhibit.offered_to else ""
        say(f"{number}: held by {exhibit.holder}, seal {exhibit.seal or 'none'} {end}".rstrip())
    for objection in objections:
        say(f"WRONG: {objection}")
    return 1 if objections else 0


def _record(log: Path, by: str, exhibit: str, what: What, why: str, key: Path, password: str) -> int:
    """Sign and append, if no rule is broken; a station that runs in this folder does it, at both its nodes."""
    unsigned = CustodyRecord(at_us=wall_clock_us(), who=by, exhibit=exhibit, what=what, why=why)
    record = sign_record(unsigned, open_key(key, password))
    said = f"recorded: {msgspec.to_builtins(what)['type']} {exhibit} by {by}"
    if handed_over(log.parent, [*_photograph_items(log, what), (CUSTODY_SOURCE, canonical_json(record))]):
        say(said)
        return 0
    with Journal.open(log) as journal:
        state, objections = custody_of(read_custody(log))
        if objections:
            raise ValueError(f"{log} holds a wrong record ({objections[0]}); keep it for examination")
        after = custody_step(state, record)
        if isinstance(after, str):
            raise ValueError(f"not recorded: {after}")
        journal.append([(record.at_us, CUSTODY_SOURCE, canonical_json(record))])
    say(said)
    return 0


def _photograph_items(log: Path, what: What) -> list[Item]:
    return [(PHOTOGRAPH_SOURCE, (log.parent / PHOTOGRAPHS / one.sha256).read_bytes())
            for one in getattr(what, "photographs", ())]  # fmt: skip


def _photographs(log: Path, photos: tuple[Path, ...]) -> list[Photograph]:
    out = []
    for photo in photos:
        if photo.stat().st_size > MAX_PAYLOAD_BYTES:
            raise ValueError(f"{photo} has more than {MAX_PAYLOAD_BYTES >> 20} MiB; record a smaller copy of it")
        digest = _sha256(photo)
        kept = log.parent / PHOTOGRAPHS / digest
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            shutil.copyfile(photo, kept)
        out.append(Photograph(name=photo.name, sha256=digest, size=photo.stat().st_size))
    return out


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
