"""A directory of sealed rosters: the opened payloads, the chain of their seals and the log of chances."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from araz.deployment import log_sha256, seal
from araz.store import sync_directory
from araz.vocabulary import LoggedInclusion


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``seals.jsonl``, published before the shift it is about."""

    seq: int
    draw_id: str
    sealed_at_us: int
    seal: str


def read_seals(directory: Path) -> list[Seal]:
    """The seals so far, oldest first; ValueError names the line that is none."""
    chain = directory / "seals.jsonl"
    out = []
    for number, line in enumerate(chain.read_bytes().splitlines() if chain.exists() else [], 1):
        try:
            out.append(msgspec.json.decode(line, type=Seal))
        except ValueError as error:
            raise ValueError(f"{chain} line {number} is no seal ({error}); restore it from the published one") from None
    return out


def refuse_second_draw(directory: Path, draw_id: str) -> None:
    """ValueError for a night that is sealed already: who may draw again draws until the roster pleases."""
    if any(one.draw_id == draw_id for one in read_seals(directory)):
        raise ValueError(f"the roster of {draw_id} is sealed; a night is drawn once, and it is {directory}/{draw_id}.*")


def keep_sealed(directory: Path, draw_id: str, payload: bytes, rows: Iterable[LoggedInclusion], at_us: int) -> str:
    """Payload, then log, then seal, each on the disk before the next; return the seal as hexadecimal."""
    refuse_second_draw(directory, draw_id)
    before = read_seals(directory)
    opened, log = directory / f"{draw_id}.sealed.json", directory / "inclusions.jsonl"
    if opened.exists() and log.exists():  # a run that stopped before its seal: nobody was given that roster
        held = [line for line in log.read_bytes().splitlines(keepends=True) if _night(_row(line)) != draw_id]
        _write(log.with_suffix(".new"), b"".join(held), "wb")
        log.with_suffix(".new").replace(log)
    _write(opened, payload, "wb")
    _write(log, msgspec.json.Encoder().encode_lines(rows), "ab")
    sync_directory(directory)
    previous = bytes.fromhex(before[-1].seal) if before else None
    sealed = seal(previous, len(before), at_us, payload).hex()
    line = Seal(seq=len(before), draw_id=draw_id, sealed_at_us=at_us, seal=sealed)
    _write(directory / "seals.jsonl", msgspec.json.encode(line) + b"\n", "ab")
    sync_directory(directory)
    return sealed


def objection(directory: Path) -> str | None:
    """The first thing in the directory that is not as it was sealed, as a sentence; None when all is."""
    logged, previous = _log_hashes(directory / "inclusions.jsonl"), None
    for number, said in enumerate(read_seals(directory)):
        opened = directory / f"{said.draw_id}.sealed.json"
        payload = opened.read_bytes() if opened.exists() else b""
        found = seal(previous, said.seq, said.sealed_at_us, payload)
        if found.hex() != said.seal or said.seq != number:
            return f"Roster {said.draw_id} (seal {said.seq}) is not the one that was sealed."
        if logged.pop(said.draw_id, None) != json.loads(payload)["log_sha256"]:
            return f"The chances of {said.draw_id} in inclusions.jsonl are not the sealed ones (seal {said.seq})."
        previous = found
    return f"inclusions.jsonl holds chances of {next(iter(logged))}, which nobody sealed." if logged else None


def _log_hashes(log: Path) -> dict[str, str]:
    """Hash of each night's rows, read in one pass; no hash for a night whose rows do not stand together."""
    out: dict[str, str] = {}
    if log.exists():
        with log.open("rb") as lines:
            for night, rows in groupby(map(_row, lines), _night):
                out[night] = "" if night in out else log_sha256(list(rows))
    return out


def _row(line: bytes) -> dict[str, Any]:
    """A row as it is written, whatever it holds: the seal covers a field that somebody added, too."""
    row = json.loads(line)
    if not isinstance(row, dict) or not isinstance(row.get("draw_id"), str):
        raise ValueError(f"inclusions.jsonl holds {line[:60]!r}, which is no logged chance; restore the file")
    return row


def _night(row: dict[str, Any]) -> str:
    return str(row["draw_id"]).rpartition("/")[0]


def _write(path: Path, data: bytes, mode: str) -> None:
    with path.open(mode) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
