"""Sealing: everything that belongs to an incident, in one file that a stranger can check and compute again."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from araz.app import verify_case
from araz.app._aside import OFFICE_SOURCES
from araz.app._case_report import render_reports
from araz.app._case_sections import Told as Report
from araz.app._case_sections import exhibit_name
from araz.app._case_tracks import WARM_UP_US, tracks_now
from araz.app._config import SITE_SOURCE, site_from_bundle
from araz.app._data import RECORDS
from araz.app._office import PHOTOGRAPHS, read_custody
from araz.app._software import PROGRAMS, Programs, judge_of, ran_by, software
from araz.evidence import (
    Belonging,
    CustodyRecord,
    MerkleTree,
    Told,
    TreeHead,
    against,
    belonging,
    canonical_json,
    custody_of,
    fingerprint,
    leaf_hash,
    public_pem,
    sign_head,
    span_of_tracks,
)
from araz.store import Entry, Records, has_records, read_heads, read_raw
from araz.vocabulary import SOFTWARE_SOURCE, IncidentKind, Picture, SensorHealth, Site, phrase_of

CASE_FORMAT: Final = 1
WHOLE_NIGHT_US: Final = 12 * 3600 * 1_000_000
"""Where more time lies since the site message, a case holds its span alone: the screen is shown, not computed again."""
LOOK_ON_US: Final = 1800 * 1_000_000
"""A track that was not on the screen for so long does not come back to it under its name."""
MOST_PICTURES: Final = 1_000_000
QUICK: Final = 3
"""Level of gzip: 6 takes twice as long for 13 % fewer bytes."""


class Night(NamedTuple):
    """A journal as the sealer needs it: entries of the case, hashes of all."""

    raws: list[Entry]
    tree: MerkleTree
    head: TreeHead


class Screen(NamedTuple):
    """What was shown and known beside the case itself, from the records."""

    pictures: list[Picture]
    health: list[SensorHealth]
    latest: list[SensorHealth]
    """The last word on each sensor, at the end of the journal: its errors as they were found in all of it."""
    spoofs: list[str]


def seal(journal: Path, name: str, out: Path, key: Ed25519PrivateKey, *, by: str, whole: bool | None = None,
         tsa: str | None = None, custody: Path | None = None) -> dict[str, Any]:  # fmt: skip
    """Write the case of an incident or alarm to ``out``; return its manifest.

    ``whole``: every message since the site's (None: when that is at most 12 h), so that what was on the screen can be
    computed again; else the span alone. ``tsa``: a time-stamping authority (URL, or ``openssl:CONFIG`` for a local
    one). ``custody``: its journal; None where there are no exhibits. What breaks a rule in it stands in the report.
    Raises ValueError for a name the night does not have.
    """
    belongs, screen = _belonging(journal.parent / RECORDS, name)
    night, is_whole = _night(journal, belongs, whole)
    site, place, _ = site_from_bundle(night.raws[0].message.payload)
    speaks = against(belongs, screen.pictures, site, screen.health, screen.spoofs)
    messages = (raw.message for raw in night.raws)
    now = tracks_now(messages, belongs.track_ids, screen.pictures)
    records = [] if custody is None else read_custody(custody)
    facts = _facts(name, belongs, night, is_whole, by, site)
    programs = Programs(
        ran=ran_by(raw.message for raw in night.raws), judged=judge_of(journal.parent), sealed=software()
    )
    report = Report(
        facts={**facts, "root_hash": night.head.root_hash},
        belongs=belongs,
        pictures=screen.pictures,
        against=speaks,
        site=site,
        place=place,
        now=now,
        custody=records,
        objections=custody_of(records)[1],
        programs=programs,
        health=screen.latest,
        sources=_sources(night.raws),
        fingerprint=fingerprint(public_pem(key)),
    )
    proof = _proof(night, sign_head(night.head, by, key))
    files = _files(night, belongs, screen, site) | {
        "tracks_now.json": canonical_json(now),
        "against.json": canonical_json(speaks),
        "custody.json": canonical_json(records),
        PROGRAMS: canonical_json(programs),
        verify_case.PROOF: canonical_json(proof),
        verify_case.HEADS: canonical_json(_heads(journal, night)),
        **render_reports(report),
        "README.txt": _readme(name).encode(),
        "verify.py": Path(verify_case.__file__).read_bytes(),
        **({} if custody is None else _photographs(custody.parent / PHOTOGRAPHS, records)),
    }
    manifest = {**facts, "head": proof["head"]}
    case = _signed(manifest, files, key, tsa)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_bytes(verify_case.container(case))
    part.replace(out)
    return manifest


def _belonging(records: Path, name: str) -> tuple[Belonging, Screen]:
    if not has_records(records):
        raise ValueError(
            f"{records} is missing: seal where the night ran, or make it from the journal with: araz watch --out "
            f"{records.parent} (Ctrl-C when the console is up)"
        )
    with Records.open(records) as book:
        told = Told(book.incidents(), book.alarm_history(), book.decisions(), book.reports())
        belongs = belonging(told, name)
        belongs, pictures = _with_tracks(book, belongs)
        health = [item for item in book.health_history() if item.at_us <= belongs.to_us]
        latest = book.health()
        mine = {i.incident_id for i in belongs.told.incidents}
        spoofs = [
            phrase_of(i.sentence, i.said)
            for i in book.incidents(belongs.from_us, belongs.to_us)
            if i.kind is IncidentKind.FALSE_IDENTITY and i.incident_id not in mine
        ]
    return belongs, Screen(pictures, health, latest, spoofs)


def _with_tracks(book: Records, belongs: Belonging) -> tuple[Belonging, list[Picture]]:
    """The span widened to when its tracks were on the screen, and the pictures of it.

    A picture tells when each of its tracks began, so only the end is looked for, until half an hour shows none of them.
    """
    pictures = book.pictures(belongs.from_us, belongs.to_us, MOST_PICTURES)
    reached_us = belongs.to_us
    while (seen := span_of_tracks(pictures, belongs.track_ids)) is not None:
        belongs = belongs._replace(from_us=min(belongs.from_us, seen[0]), to_us=max(belongs.to_us, seen[1]))
        if seen[1] <= reached_us - LOOK_ON_US:
            break
        further = book.pictures(reached_us + 1, reached_us + LOOK_ON_US, MOST_PICTURES)
        reached_us += LOOK_ON_US
        if not further:
            break
        pictures += further
    first_us = pictures[0].at_us if pictures else belongs.to_us
    pictures = book.pictures(belongs.from_us, first_us - 1, MOST_PICTURES) + pictures
    return belongs, [p for p in pictures if belongs.from_us <= p.at_us <= belongs.to_us]


def _night(journal: Path, belongs: Belonging, whole: bool | None) -> tuple[Night, bool]:
    """Read the journal once: the tree over all, the entries of the case."""
    leaves, kept, site, last = list[bytes](), list[Entry](), None, None
    for raw in read_raw(journal):
        leaves.append(leaf_hash(raw.hash))
        if last is None:
            first_hash = raw.hash.hex()
        last = raw
        if raw.message.received_at_us > belongs.to_us or raw.message.source in OFFICE_SOURCES:
            continue
        if raw.message.source == SITE_SOURCE:
            site, kept = raw, []
        kept.append(raw)
    if site is None or last is None:
        raise ValueError(f"{journal} holds no site message before the incident; is it the journal of this night?")
    is_whole = belongs.to_us - site.message.received_at_us <= WHOLE_NIGHT_US if whole is None else whole
    if not is_whole:
        start_us = belongs.from_us - WARM_UP_US
        kept = [site, *(raw for raw in kept[1:] if raw.message.received_at_us >= start_us
                        or raw.message.source == SOFTWARE_SOURCE)]  # fmt: skip
    tree = MerkleTree(leaves)
    head = TreeHead(journal=first_hash, tree_size=tree.size, root_hash=tree.root().hex(), entry_hash=last.hash.hex(),
                    at_us=last.message.received_at_us)  # fmt: skip
    return Night(kept, tree, head), is_whole


def _files(night: Night, belongs: Belonging, screen: Screen, site: Site) -> dict[str, bytes]:
    """What was received, said and shown then."""
    told = belongs.told
    return {
        verify_case.MESSAGES: b"".join(raw.data for raw in night.raws),
        "tracks_then.jsonl.gz": gzip.compress(json_lines(screen.pictures), QUICK, mtime=0),
        "incidents.jsonl": json_lines(told.incidents),
        "alarms.jsonl": json_lines(told.alarms),
        "decisions.jsonl": json_lines(told.decisions),
        "reports.jsonl": json_lines(told.reports),
        "site.json": night.raws[0].message.payload,
        "sensors.json": canonical_json({"site": site.sensors, "health": screen.health, "latest": screen.latest}),
    }


def _sources(raws: Sequence[Entry]) -> list[tuple[str, int, int, int]]:
    """Feeds of the messages, the most frequent first; the peers of one listening feed count as one."""
    found: dict[str, list[int]] = {}
    for raw in raws:
        found.setdefault(raw.message.source.partition("#")[0], []).append(raw.message.received_at_us)
    rows = [(name, len(times), min(times), max(times)) for name, times in found.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _photographs(folder: Path, custody: Sequence[CustodyRecord]) -> dict[str, bytes]:
    """The photographs that custody names, by the hash it names them by."""
    found = {}
    for record in custody:
        for photograph in getattr(record.what, "photographs", ()):
            path = folder / photograph.sha256
            if path.is_file():
                found[exhibit_name(photograph)] = path.read_bytes()
    return found


def json_lines(items: Iterable[Any]) -> bytes:
    """One canonical JSON record a line."""
    encoder = msgspec.json.Encoder(order="deterministic")
    return b"".join(encoder.encode(item) + b"\n" for item in items)


def _proof(night: Night, signed: Any) -> dict[str, Any]:
    seqs = [raw.message.seq for raw in night.raws]
    runs: list[dict[str, Any]] = []
    for raw in night.raws:
        if runs and raw.message.seq == runs[-1]["first_seq"] + runs[-1]["count"]:
            runs[-1]["count"] += 1
        else:
            runs.append({"first_seq": raw.message.seq, "count": 1, "previous_hash": raw.previous_hash.hex()})
    path = [item.hex() for item in night.tree.subset_proof(seqs)]
    head = msgspec.to_builtins(night.head)
    return {"head": head, "signed": msgspec.to_builtins(signed), "runs": runs, "path": path}


def _heads(journal: Path, night: Night) -> list[dict[str, Any]]:
    """Heads that were written and witnessed long before the sealing, each with the proof that nothing changed since."""
    lines = [line for line in read_heads(journal) if line.head.tree_size <= night.tree.size]
    last_seq = night.raws[-1].message.seq
    first_after = next((line for line in lines if line.head.tree_size > last_seq), None)
    witnessed = [line for line in lines if len(line.signed) > 1]
    # A head stands twice once it was witnessed; the line with more signatures counts.
    chosen = {line.head.tree_size: line for line in [*filter(None, [first_after]), *lines[-1:], *witnessed[-20:]]}
    return [
        {
            "head": msgspec.to_builtins(line.head),
            "signed": msgspec.to_builtins(line.signed),
            "consistency": [item.hex() for item in night.tree.consistency_proof(size)],
        }
        for size, line in sorted(chosen.items())
    ]


def _facts(name: str, belongs: Belonging, night: Night, is_whole: bool, by: str, site: Site) -> dict[str, Any]:
    return {
        "format": CASE_FORMAT,
        "case": name,
        "sealed_by": by,
        "site": site.name,
        "time_zone": site.time_zone,
        "from_us": belongs.from_us,
        "to_us": belongs.to_us,
        "tracks": list(belongs.track_ids),
        "incidents": [item.incident_id for item in belongs.told.incidents],
        "messages": len(night.raws),
        "whole_night": is_whole,
        "araz": software().araz,
        "source_sha256": software().source_sha256,
    }


def _signed(manifest: dict[str, Any], files: dict[str, bytes], key: Any, tsa: str | None) -> dict[str, bytes]:
    files[verify_case.BLOCKS] = verify_case.json_bytes(verify_case.sums_of(files, tuple(files)))
    listed = {n: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for n, data in files.items()}
    text = verify_case.json_bytes({**manifest, "files": listed})
    loose = {
        verify_case.MANIFEST: text,
        verify_case.SIGNATURE: key.sign(text),
        verify_case.KEY: public_pem(key).encode(),
    }
    if tsa:
        loose[verify_case.STAMP] = time_stamp(loose[verify_case.SIGNATURE], tsa)
    case = {**loose, **files}
    names = tuple(n for n in (*verify_case.LOOSE, verify_case.BLOCKS) if n in case)
    sums = {
        "sha256": {n: hashlib.sha256(case[n]).hexdigest() for n in names},
        "blocks": verify_case.sums_of(case, names),
    }
    return {**case, verify_case.SUMS: verify_case.json_bytes(sums)}


def time_stamp(data: bytes, tsa: str) -> bytes:
    """Return an RFC 3161 response over SHA-256 of ``data``; ValueError with the cause when none is given.

    ``tsa`` is the address of an authority (http or https), or ``openssl:CONFIG`` for one on this machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "data").write_bytes(data)
        _openssl(["ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query"], place)
        if tsa.startswith("openssl:"):
            config = str(Path(tsa.partition(":")[2]).resolve())
            _openssl(["ts", "-reply", "-config", config, "-queryfile", "query", "-out", "reply"], place)
            return (place / "reply").read_bytes()
        return _ask_authority(tsa, (place / "query").read_bytes())


def _ask_authority(url: str, query: bytes) -> bytes:
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        raise ValueError(f"the time-stamping authority must be http://, https:// or openssl:CONFIG, not {url!r}")
    request = urllib.request.Request(url, data=query, headers={"Content-Type": "application/timestamp-query"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read(1 << 20)
    except (urllib.error.URLError, TimeoutError) as error:
        raise ValueError(
            f"the time-stamping authority {url} did not answer ({error}); try again, or leave --tsa out"
        ) from None
    return body


def _openssl(words: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ValueError(f"the openssl command is needed for a time-stamp: {error}") from None
    if done.returncode != 0:
        raise ValueError(f"openssl {words[0]} failed: {done.stderr.strip()[-300:]}")


#: What lies in a case, for who unpacks it; the first word of each is a file's name.
CONTENTS: Final = (
    ("report.en.pdf, report.az.pdf", "for people, also as .html", "insanlar üçün, həm də .html"),
    ("messages.bin, proof.json, heads.json", "the messages as they came; proofs that they stand in the journal",
     "gələn məlumatlar; jurnalda olduqlarının sübutu"),
    ("tracks_then.jsonl.gz", "what was on the screen, a picture a second", "ekranda görünən, saniyədə bir"),
    ("tracks_now.json", "the same tracks as all messages say now", "eyni izlər, indi məlum olduğu kimi"),
    ("incidents, alarms, decisions, reports (.jsonl)", "what was said, decided and reported",
     "deyilən, qərara alınan və bildirilən"),
    ("against.json", "what speaks against", "əleyhinə olanlar"),
    ("site.json, sensors.json", "the site file; the sensors, their errors and health",
     "sahə faylı; sensorlar, xətaları və vəziyyəti"),
    ("software.json", "by which programs, with their libraries' hashes", "hansı proqramlarla, kitabxanaların heşi ilə"),
    ("custody.json, exhibits/", "exhibits: who had them; photographs", "maddi sübutlar: kimdə olub; fotoşəkillər"),
    ("verify.py, manifest.json, .sig, signer.pem, sums.json, blocks.json", "to check all of it", "yoxlamaq üçün"),
)  # fmt: skip


def _readme(name: str) -> str:
    listed = ["\n".join(f"{files}\n    {words[k]}" for files, *words in CONTENTS) for k in (0, 1)]
    return (
        f"Case {name}\n\n"
        "Read report.en.pdf or report.az.pdf (the same as .html). To check that nothing was altered, with any "
        "computer that\n"
        "has Python 3 and openssl:\n\n    python3 verify.py CASE.zip --key STATION.pem\n\n"
        "where STATION.pem is the station's public key, asked for by another way. To compute the tracks again:\n\n"
        f"    araz case recompute CASE.zip\n\n{listed[0]}\n\n"
        f"İş {name}\n\n"
        "report.az.pdf faylını oxuyun. Heç nəyin dəyişdirilmədiyini Python 3 və openssl olan istənilən "
        "kompüterdə yoxlamaq\n"
        f"üçün yuxarıdakı verify.py əmrini işlədin.\n\n{listed[1]}\n"
    )
