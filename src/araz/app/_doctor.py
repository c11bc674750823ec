"""The command that looks whether a station is fit for the night: what is well, what is wrong, what to do."""

from __future__ import annotations

import datetime
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from cyclopts import Parameter
from sqlalchemy.exc import DBAPIError

from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._data import PACKAGE, RECORDS, site_path
from araz.app._pair_file import read_pair
from araz.app._rim import say, wall_clock_us
from araz.evidence import MerkleTree
from araz.store import Arbiter, Records, VerifyResult, has_records, heads_objection, url_file, verify_journal
from araz.vocabulary import SensorState

FREE_WARN_GB: Final = 10.0
FREE_BAD_GB: Final = 1.0
CERTIFICATE_WARN_DAYS: Final = 30
AHEAD_US: Final = 5_000_000


class Found(NamedTuple):
    """One thing looked at: ``state`` is ok, warn or bad."""

    what: str
    state: str
    sentence: str


def doctor_command(
    *,
    out: Annotated[Path, Parameter(name="--out", help="Folder of the running or last night.")] = Path("out/watch"),
    site: Annotated[str, Parameter(name="--site", help="Site file, its folder, or a shipped name.")] = "horadiz",
    tls: Annotated[Path | None, Parameter(help="Folder of the console's certificate.")] = None,
    keys: Annotated[Path | None, Parameter(help="Folder of the keys between posts and centre.")] = None,
    pair: Annotated[Path | None, Parameter(help="File of two centre nodes, of which this is one.")] = None,
    json: Annotated[bool, Parameter(help="For machines.")] = False,
) -> int:
    """Look at clock, disk, certificate, site, journal, records, sensors and tools; ends with 1 when something is bad.

    Example: araz doctor --out /var/lib/araz --site sites/horadiz --tls out/tls
             araz doctor --out /var/lib/araz --site chain --keys keys
             araz doctor --out /var/lib/araz --pair pair.toml --keys keys
    """
    found = list(examine(out, site, tls, keys, pair))
    if json:
        say(_json([item._asdict() for item in found]))
    else:
        for item in found:
            say(f"{item.state:4}  {item.what:12} {item.sentence}")
    return 1 if any(item.state == "bad" for item in found) else 0


def examine(
    out: Path, site: str, tls: Path | None, keys: Path | None = None, pair: Path | None = None
) -> Iterator[Found]:
    """Look at one thing after the other; a look that fails is a finding, never the end."""
    path = out / "night.journal"
    checked = cache(lambda: verify_journal(path) if path.exists() else None)
    looks: list[tuple[str, Callable[[], Iterator[Found]]]] = [
        ("disk", lambda: _disk(out)),
        ("site", lambda: _site(site)),
        ("journal", lambda: _journal(out, checked())),
        ("clock", lambda: _clock(checked())),
        ("records", lambda: _records(out)),
        ("sensors", lambda: _sensors(out)),
        ("keys", lambda: _keys(out)),
        ("certificate", lambda: _certificate(tls)),
        ("posts", lambda: _posts(site, keys, pair)),
        ("pair", lambda: _pair(pair)),
        ("tools", _tools),
    ]
    for what, look in looks:
        try:
            yield from look()
        except (OSError, ValueError, DBAPIError) as error:
            yield Found(what, "bad", str(error).splitlines()[0])


def _disk(out: Path) -> Iterator[Found]:
    place = out if out.exists() else Path()
    free_gb = shutil.disk_usage(place).free / 1e9
    state = "bad" if free_gb < FREE_BAD_GB else "warn" if free_gb < FREE_WARN_GB else "ok"
    remedy = "" if state == "ok" else "; free some, or the journal will refuse messages when it is full"
    yield Found("disk", state, f"{free_gb:.1f} GB free at {place}{remedy}")


def _site(site: str) -> Iterator[Found]:
    read, _, _ = site_from_bundle(bundle_from_file(site_path(site)))
    live = sum(bool(feed.url) for feed in read.feeds)
    state = "ok" if live else "warn"
    text = f"{read.name}: {len(read.sensors)} sensors, {live} live feeds, {len(read.patrols)} patrols"
    yield Found("site", state, text)


def _journal(out: Path, result: VerifyResult | None) -> Iterator[Found]:
    if result is None:
        yield Found("journal", "warn", f"no journal in {out} yet; araz watch --out {out} begins one")
        return
    yield Found("journal", "ok" if result.ok else "bad", result.sentence)
    if result.ok:
        objection = heads_objection(out / "night.journal", MerkleTree(result.leaves))
        yield Found("heads", "bad" if objection else "ok", objection or "every head fits, every signature holds")


def _clock(result: VerifyResult | None) -> Iterator[Found]:
    now_us, last_us = wall_clock_us(), 0 if result is None else result.latest_us
    if last_us > now_us + AHEAD_US:
        text = (
            f"the clock lies {(last_us - now_us) / 1e6:.0f} s before the journal's last message; set it (chrony, GPS)"
        )
        yield Found("clock", "bad", text)
        return
    told = _synchronised()
    said = {
        True: "synchronised",
        False: "not synchronised: start chrony or a GPS clock",
        None: "nobody tells if it is set",
    }
    yield Found("clock", "ok" if told else "warn", said[told])


def _synchronised() -> bool | None:
    try:
        words = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip())


def _records(out: Path) -> Iterator[Found]:
    path = out / RECORDS
    if not has_records(path):
        yield Found("records", "warn", "none yet; araz watch makes them from the journal")
        return
    if url_file(path).is_file():
        with Records.open(path) as records:
            records.picture_span()
        yield Found("records", "ok", "PostgreSQL answers")
        return
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            said = connection.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        said = str(error)
    remedy = "" if said == "ok" else "; stop araz watch, remove it, start again: it follows from the journal"
    yield Found("records", "ok" if said == "ok" else "bad", f"{path.name}: {said}{remedy}")


def _sensors(out: Path) -> Iterator[Found]:
    if not has_records(out / RECORDS):
        return
    with Records.open(out / RECORDS) as records:
        for health in records.health():
            is_well = health.state in (SensorState.OK, SensorState.UNKNOWN)
            yield Found("sensor", "ok" if is_well else "warn", health.sentence)


def _keys(out: Path) -> Iterator[Found]:
    path = out / "keys" / "station.pem"
    if not path.exists():
        yield Found("keys", "warn", "no station key yet; the first night or case makes one")
    elif path.stat().st_mode & 0o077:
        yield Found("keys", "bad", f"others can read {path}: chmod 600 it, and think whether it still is yours alone")
    else:
        yield Found("keys", "ok", "the station's key is its owner's alone")


def _certificate(tls: Path | None) -> Iterator[Found]:
    if tls is not None:
        yield _days_left("certificate", tls / "console.crt", "araz account certificate NAME")


def _pair(file: Path | None) -> Iterator[Found]:
    """The arbiter of two nodes: whether it answers, and what its word is."""
    if file is None:
        return
    read = read_pair(file)
    with Arbiter(read.arbiter, read.name) as arbiter:
        now = arbiter.read()
    if now is None:
        yield Found("pair", "warn", f"nobody led {read.name} yet: the node that is started first will")
    elif now.is_alone:
        yield Found("pair", "warn", f"node {now.leader} leads alone: start the other one, or nobody can take over")
    else:
        yield Found("pair", "ok", f"node {now.leader} leads, the other one has all and can take over")


def _posts(site: str, keys: Path | None, pair: Path | None = None) -> Iterator[Found]:
    """The line between posts and centre: the server's program, and every certificate in the folder of keys."""
    if keys is None:
        return
    program = shutil.which("nats-server")
    yield Found("nats-server", "ok" if program else "bad", program or "missing: apt install nats-server")
    for path in sorted(keys.glob("*.crt")):
        yield _days_left(f"key {path.stem}", path, f"remove {path.stem}.crt and .key, then araz post keys")
    read, _, _ = site_from_bundle(bundle_from_file(site_path(site)))
    known = {post.id for post in read.posts} | {"ca", "centre"}
    known |= set() if pair is None else {node.id for node in read_pair(pair).nodes}
    for path in sorted(keys.glob("*.crt")):
        if path.stem not in known:
            yield Found(
                f"key {path.stem}", "warn", "no post of the site and no node has this name: it would be turned away"
            )


def _days_left(what: str, path: Path, remedy: str) -> Found:
    from cryptography import x509

    made = x509.load_pem_x509_certificate(path.read_bytes())
    left = (made.not_valid_after_utc - datetime.datetime.fromtimestamp(time.time(), datetime.UTC)).days
    state = "bad" if left < 0 else "warn" if left < CERTIFICATE_WARN_DAYS else "ok"
    return Found(what, state, f"{left} days left" + ("" if state == "ok" else f"; make a new one: {remedy}"))


def _tools() -> Iterator[Found]:
    openssl = shutil.which("openssl")
    yield Found("openssl", "ok" if openssl else "warn", openssl or "missing: no case can be checked or stamped here")
    is_built = (PACKAGE / "console" / "static" / "index.html").exists()
    yield Found("map", "ok" if is_built else "bad", "built" if is_built else "not built: make ui")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
