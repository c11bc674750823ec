"""The commands of a case: seal, verify, recompute; the station's key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app import verify_case
from araz.app._case_again import Part, case_files, compute_again
from araz.app._case_seal import seal
from araz.app._keys import Password, make_pair, open_key, station_key
from araz.app._office import CUSTODY
from araz.app._rim import say, wall_clock_us
from araz.app._software import software
from araz.app._views import releases_of
from araz.disclosure import is_released
from araz.evidence import canonical_json, fingerprint, public_pem, sign_head, witness_objection
from araz.store import HeadLine, add_head, heads_objection, read_heads, tree_of
from araz.vocabulary import ReleaseScope

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
    path, beside = station_key(journal.parent, key), journal.parent / CUSTODY
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
def recompute(
    file: Path,
    *,
    others: Annotated[
        tuple[Path, ...],
        Parameter(name="--with", help="Python in which another version of Araz is installed; give it again for more."),
    ] = (),
    part: Annotated[Part | None, Parameter(help="Only the tracks known now, or only the screens known then.")] = None,
) -> int:
    """Compute what a case shows again from the case alone, each part by the software that made it where that is here.

    0: all the same, bit for bit. 1: the case was altered, or the software that made a part makes another one now.
    2: it was made by other software, which is not here, and this one's differs in the way that is printed.

    Example: araz case recompute case.zip
             araz case recompute case.zip --with /opt/araz-0.9/bin/python
    """
    data = _read(file)
    found, manifest = verify_case.examine(data)
    bad = [item.sentence for item in found if not item.unchecked]
    if bad:
        say(f"ALTERED: {bad[0]}\nNothing was computed.")
        return 1
    return compute_again(file, case_files(data), manifest, others, part)


@case.command(name="software")
def software_command() -> int:
    """Print by which software this installation computes, as JSON: versions, hash of the source, hash of the lock.

    Example: araz case software
    """
    say(canonical_json(software()).decode())
    return 0


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


def _read(file: Path) -> bytes:
    if not file.is_file():
        raise ValueError(f"there is no case {file}")
    return file.read_bytes()
