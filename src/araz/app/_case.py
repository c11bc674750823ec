"""The commands of a case: seal, verify, recompute; the station's key."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app import verify_case
from araz.app._case_seal import json_lines, seal, software
from araz.app._case_tracks import tracks_now
from araz.app._keys import Password, make_pair, open_key, station_key
from araz.app._rim import say, wall_clock_us
from araz.app._runtime import judge
from araz.app._views import releases_of
from araz.disclosure import is_released
from araz.evidence import canonical_json, fingerprint, public_pem, sign_head, witness_objection
from araz.store import HeadLine, add_head, heads_objection, read_heads, tree_of
from araz.vocabulary import Message, Picture, ReleaseScope

case = cyclopts.App(name="case", help="Evidence: seal an incident, check a case, compute its tracks again.")

JournalOption = Annotated[Path, Parameter(name="--journal", help="The night's journal; its records lie beside it.")]


@case.command(name="seal")
def seal_command(
    incident: str,
    *,
    journal: JournalOption,
    out: Annotated[Path, Parameter(name="--out", help="The case file to write.")] = Path("case.zip"),
    key: Annotated[Path | None, Parameter(help="Private key; default keys/station.pem by the journal.")] = None,
    by: Annotated[str, Parameter(help="Post that seals, never a person's name.")] = "station",
    tsa: Annotated[str, Parameter(help="RFC 3161 authority: its URL, or openssl:CONFIG for a local one.")] = "",
    custody: Annotated[Path | None, Parameter(help="Custody journal; default custody.journal by the journal.")] = None,
    span_only: Annotated[bool, Parameter(help="Only the span's messages: smaller, no old screens computed.")] = False,
    service: Annotated[str, Parameter(name="--for", help="Service that gets the case; refused unless released.")] = "",
    password: Password = "",
) -> int:
    """Put everything that belongs to an incident (I0009) or alarm (A0005) into one signed file.

    Example: araz case seal A0001 --journal out/demo/night.journal --out case.zip
             araz case seal I0009 --journal out/watch/night.journal --tsa https://tsa.example/tsr --by post-4
    """
    started_s = time.monotonic()
    if service:
        check_case_release(journal, incident, service)
    path, beside = station_key(journal.parent, key), journal.parent / "custody.journal"
    private = open_key(path, password)
    manifest = seal(
        journal, incident, out, private, by=by, tsa=tsa or None, whole=False if span_only else None,
        custody=custody or (beside if beside.exists() else None),
    )  # fmt: skip
    say(f"{out}: {manifest['messages']} messages, tracks {', '.join(manifest['tracks']) or 'none'}, "
        f"{out.stat().st_size / 1e6:.1f} MB, in {time.monotonic() - started_s:.1f} s")  # fmt: skip
    say(f"Signed with {path}; its fingerprint: {fingerprint(public_pem(private))}")
    say(f"Check it: araz case verify {out}   (or, without Araz: python3 verify.py, which lies in it)")
    return 0


def check_case_release(journal: Path, name: str, service: str) -> None:
    """Refuse a case for a service to which not all of the site is open, unless every owner released it by four eyes.

    A case holds the site, every sensor's place and the raw messages, so there is no redacted one: a part of the
    messages would tell by its gaps when the hidden sources spoke.
    """
    whole = releases_of(journal)
    owners = whole.case_owners(service)
    if not is_released(whole.releases, name, service, owners, ReleaseScope.CASE, wall_clock_us()):
        raise ValueError(
            f"a case shows every source, and {', '.join(sorted(owners))} did not release {name} to {service}: two "
            f"accounts of each must (scope case, docs/disclosure.md); or give araz export --for {service!r}"
        )


@case.command
def verify(
    file: Path,
    *,
    key: Annotated[Path | None, Parameter(help="The station's public key (PEM), got by another way.")] = None,
    tsa_ca: Annotated[Path | None, Parameter(help="Certificate of the time-stamping authority (PEM).")] = None,
    json: bool = False,
) -> int:
    """Check a case: names the first altered byte, the missing message, the wrong signature; 1 when there is one.

    Example: araz case verify case.zip --key station.pub.pem
    """
    words = [str(file), *(["--key", str(key)] if key else []), *(["--tsa-ca", str(tsa_ca)] if tsa_ca else [])]
    return verify_case.main([*words, *(["--json"] if json else [])])


@case.command
def recompute(file: Path) -> int:
    """Compute the tracks of a case again from the case alone, and compare them with it bit for bit; 1 if they differ.

    Example: araz case recompute case.zip
    """
    data = _read(file)
    found, manifest = verify_case.examine(data)
    bad = [item.sentence for item in found if not item.unchecked]
    if bad:
        say(f"ALTERED: {bad[0]}\nNothing was computed.")
        return 1
    files = case_files(data)
    mine = software()
    if mine["source_sha256"] != manifest["source_sha256"]:
        then, here = manifest["source_sha256"][:16], mine["source_sha256"][:16]
        say(f"This case was sealed with Araz {manifest['araz']}, source {then}; this is {mine['araz']}, source {here}.")
        say("The tracks may differ; to be sure, install the version that sealed it.")
    for line in _libraries(json.loads(files["software.json"]), mine):
        say(line)
    pictures = msgspec.json.Decoder(Picture)
    then = [pictures.decode(line) for line in gzip.decompress(files["tracks_then.jsonl.gz"]).splitlines()]
    now = tracks_now(messages_of(files), manifest["tracks"], then)
    same_now = canonical_json(now) == files["tracks_now.json"]
    say(f"Tracks known now: {len(now)}, {'the same, bit for bit' if same_now else 'DIFFERENT'}.")
    if not manifest["whole_night"]:
        say("What was on the screen: not in this case (it holds the span alone); the station's journal has it.")
        return 0 if same_now else 1
    again = [p for p in _pictures(files) if manifest["from_us"] <= p.at_us <= manifest["to_us"]]
    same_then = json_lines(again) == gzip.decompress(files["tracks_then.jsonl.gz"])
    say(f"Screens known then: {len(again)}, {'the same, bit for bit' if same_then else 'DIFFERENT'}.")
    return 0 if same_now and same_then else 1


@case.command
def witness(
    journal: Path,
    *,
    key: Annotated[Path, Parameter(help="The witness's own private key; never the station's.")],
    by: Annotated[str, Parameter(help="Service or post that witnesses, never a person's name.")],
    password: Password = "",
) -> int:
    """Sign a station's last head as the other service, if nothing witnessed before was altered; 1 and why if not.

    What was signed is kept beside the key, out of the station's reach, and held against the journal the next time. The
    signature also goes to the station's heads, and from there into its cases.

    Example: araz case witness /mnt/station/night.journal --key liaison.pem --by liaison
    """
    kept, private = key.with_suffix(".head.json"), open_key(key, password)
    known = msgspec.json.decode(kept.read_bytes(), type=HeadLine).head if kept.exists() else None
    line = max(read_heads(journal), key=lambda line: line.head.tree_size, default=None)
    if line is None:
        raise ValueError(f"{journal} has no head yet: araz watch writes one each minute")
    head, tree = line.head, tree_of(journal)
    objection = heads_objection(journal, tree)
    if objection is None:
        is_longer = known is not None and known.tree_size <= head.tree_size
        proof = tree.consistency_proof(known.tree_size, head.tree_size) if known is not None and is_longer else []
        objection = witness_objection(known, head, proof)
    if objection is not None:
        say(f"NOT SIGNED: {objection}")
        return 1
    line = msgspec.structs.replace(line, signed=[*line.signed, sign_head(head, by, private)])
    kept.write_bytes(canonical_json(line))
    add_head(journal, line)
    say(f"signed: the {head.tree_size} entries of {journal}, root {head.root_hash}; kept in {kept}")
    return 0


@case.command(name="key")
def key_command(file: Path, *, password: Password = "") -> int:
    """Make a key pair: FILE is the private key, FILE with .pub.pem the public one, which others may have.

    Example: ARAZ_KEY_PASSWORD=… araz case key post-4.pem
    """
    if file.exists():
        raise ValueError(f"{file} exists; a key is never overwritten, name another file")
    public = make_pair(file, password)
    say(f"{file} (keep it), {file.with_suffix('.pub.pem')} (give it away); fingerprint {fingerprint(public)}")
    return 0


def case_files(data: bytes) -> dict[str, bytes]:
    """The files of a case that was checked."""
    return {member.name: member.data for member in verify_case._by_directory(data) or []}


def messages_of(files: dict[str, bytes]) -> Iterator[Message]:
    """The messages of a case, in order."""
    for entry in verify_case.entries_of(files[verify_case.MESSAGES]):
        yield Message(seq=entry.seq, received_at_us=entry.at_us, source=entry.source, payload=entry.payload)


def _pictures(files: dict[str, bytes]) -> Iterator[Picture]:
    for events in judge(messages_of(files)):
        yield from (event for event in events if isinstance(event, Picture))


def _libraries(then: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    for name, item in then["libraries"].items():
        here = now["libraries"].get(name, {"version": "none"})
        if here["version"] != item["version"]:
            yield f"{name} was {item['version']}, here it is {here['version']}: the tracks may differ in the last bits."


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise ValueError(f"there is no case {file}")
    return file.read_bytes()
