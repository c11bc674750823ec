"""By which software this process computes, and by which a night ran: its journal says so at every start."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec
from llvmlite.binding import get_host_cpu_name

import araz
from araz.app._data import JUDGED, PACKAGE
from araz.evidence import canonical_json
from araz.vocabulary import SOFTWARE_SOURCE, Library, Message, Ran, Software

LIBRARIES: Final = (
    "numpy", "numba", "llvmlite", "scipy", "msgspec", "pyproj", "shapely", "libasterix", "sapient-proto", "protobuf",
    "rs1090",
)  # fmt: skip

#: The file of a case that says by which software it came about.
PROGRAMS: Final = "software.json"


class Programs(msgspec.Struct, frozen=True, kw_only=True):
    """By which software what is in a case came about."""

    ran: list[Ran]
    """The night, as its own journal says: each start since the sensors were set up, in order."""
    judged: Software | None
    """The screens and alarms as the records have them, derived from the journal; None where nothing says so."""
    sealed: Software
    """The tracks "known now", and the case itself."""


@cache
def software() -> Software:
    """What computes here. Asked once a process: a source file that changes later is not what runs."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    libraries = {}
    for wanted in LIBRARIES:
        try:
            found = metadata.distribution(wanted)
        except metadata.PackageNotFoundError:
            continue
        record = hashlib.sha256((found.read_text("RECORD") or "").encode()).hexdigest()
        libraries[wanted] = Library(version=found.version, record_sha256=record)
    python = platform.python_version()
    return Software(
        araz=araz.__version__,
        source_sha256=digest.hexdigest(),
        lock_sha256=hashlib.sha256(canonical_json({"python": python, "libraries": libraries})).hexdigest(),
        python=python,
        processor=f"{platform.machine()} {get_host_cpu_name()}",
        libraries=libraries,
    )


def ran_by(messages: Iterable[Message]) -> list[Ran]:
    """By what a night ran, in order, as the messages of its journal say it; a word that is none is passed over."""
    found = []
    for message in messages:
        if message.source == SOFTWARE_SOURCE:
            try:
                told = msgspec.json.decode(message.payload, type=Software)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            found.append(Ran(from_us=message.received_at_us, first_seq=message.seq, software=told))
    return found


def in_force(ran: Sequence[Ran], from_us: int, to_us: int) -> list[Ran]:
    """Those by which a night ran in a span: the last before it began, and each start in it."""
    before = [one for one in ran if one.from_us <= from_us]
    return [*before[-1:], *(one for one in ran if from_us < one.from_us <= to_us)]


def programs_of(text: bytes) -> Programs:
    """What a case says of the software behind it; of a case from before there was such a record, who sealed it."""
    try:
        return msgspec.json.decode(text, type=Programs)
    except msgspec.ValidationError:
        old = msgspec.json.decode(text)
        sealed = {"lock_sha256": "", "python": "unknown", "processor": "unknown"} | old
        return Programs(ran=[], judged=None, sealed=msgspec.convert(sealed, Software))


def note_judge(out: Path) -> bool:
    """Note beside the records of a night that this software derived them; False when the disk does not take it.

    Then nothing is noted: what an earlier software left there would be a lie.
    """
    place = out / JUDGED
    try:
        place.unlink(missing_ok=True)
        place.write_bytes(canonical_json(software()))
    except OSError:
        return False
    return True


def judge_of(out: Path) -> Software | None:
    """By what the records of a night were derived; None where nothing says so."""
    try:
        return msgspec.json.decode((out / JUDGED).read_bytes(), type=Software)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def differences(one: Software, other: Software) -> list[str]:
    """What differs between two, a phrase each; empty where the same numbers come out, bit for bit."""
    said = []
    if one.source_sha256 != other.source_sha256:
        said.append(f"Araz {name_of(one)} and {name_of(other)}")
    if one.python != other.python:
        said.append(f"Python {one.python} and {other.python}")
    for name in sorted({*one.libraries, *other.libraries}):
        here, there = one.libraries.get(name), other.libraries.get(name)
        if here != there:
            versions = ["none" if item is None else item.version for item in (here, there)]
            same = " (the same version, other files)" if versions[0] == versions[1] else ""
            said.append(f"{name} {versions[0]} and {versions[1]}{same}")
    if one.processor != other.processor:
        said.append(f"processor {one.processor} and {other.processor}")
    return said


def name_of(one: Software) -> str:
    """Version and the beginning of the source's hash, as people compare them."""
    return f"{one.araz} (source {one.source_sha256[:16]})"
