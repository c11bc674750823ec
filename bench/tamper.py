"""Flip one bit, many times, in a case and in a journal: is it always named?

    python bench/tamper.py [--trials 10000] [--processes 300] [--seed 1] [--json]

A small night (150 s, one drone) is made and sealed, and one bit at a random place is flipped in: the case, examined in
this process and by the verifier that lies in the case, started as a stranger would; the journal's segments and heads;
the journal packed into one file. ``named``: anything is found. ``exact``: for a case the very byte; for a journal the
entry of which the byte is (a header is of its file's first entry), for its heads the line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from araz.app import cli, verify_case
from araz.app._case_again import case_files
from araz.app._runtime import Night
from araz.store import heads_objection, pack_journal, read_raw, tree_of, verify_journal

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from small_night import ALARM, small_night

ROOT = Path(__file__).resolve().parent.parent


class Verdict(NamedTuple):
    """What was said of one flipped bit."""

    is_named: bool
    is_exact: bool | None
    """None where no place is told."""


#: Says what it finds in a file's bytes of which the bit at this place was flipped.
Judge = Callable[[bytes, int], Verdict]


def flipped(what: str, data: bytes, trials: int, rng: random.Random, judge: Judge) -> dict[str, object]:
    """Flip a bit so many times; return the row."""
    named = exact = 0
    missed, begun_s, tells_place = "", time.process_time(), True
    for _ in range(trials):
        place = rng.randrange(len(data))
        altered = bytearray(data)
        altered[place] ^= 1 << rng.randrange(8)
        verdict = judge(bytes(altered), place)
        named += verdict.is_named
        exact += bool(verdict.is_exact)
        tells_place &= verdict.is_exact is not None
        missed = missed or ("" if verdict.is_named else f"byte {place}")
    return {
        "altered": what, "bytes": len(data), "trials": trials, "named": named, "exact": exact if tells_place else None,
        "first_missed": missed or None, "cpu_s": round(time.process_time() - begun_s, 1),
    }  # fmt: skip


def in_process(data: bytes, place: int) -> Verdict:
    """The verifier as a function."""
    found, _ = verify_case.examine(data)
    hits = [item for item in found if not item.unchecked]
    return Verdict(bool(hits), any(item.at == place for item in hits))


def as_a_stranger(folder: Path, case: bytes) -> Judge:
    """The verifier that lies in the case, with nothing but the standard library and openssl."""
    script, file = folder / "verify.py", folder / "altered.zip"
    script.write_bytes(case_files(case)["verify.py"])

    def judge(data: bytes, place: int) -> Verdict:
        file.write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-I", "-S", script, file, "--json"], capture_output=True, text=True, check=False
        )
        if done.returncode != 1:
            return Verdict(is_named=False, is_exact=False)
        return Verdict(is_named=True, is_exact=any(one["at"] == place for one in json.loads(done.stdout)["found"]))

    return judge


def in_segment(journal: Path, file: Path) -> Judge:
    """`araz verify`'s own function over a journal of which one file is another."""
    ends = [entry.end for entry in read_raw(journal)]

    def judge(data: bytes, place: int) -> Verdict:
        whole = file.read_bytes()
        file.write_bytes(data)
        found = verify_journal(journal)
        file.write_bytes(whole)
        right = sum(end <= place for end in ends)
        return Verdict(not found.ok, found.first_bad_seq == right)

    return judge


def in_heads(journal: Path, file: Path) -> Judge:
    """The heads against a whole journal."""
    tree = tree_of(journal)

    def judge(data: bytes, place: int) -> Verdict:
        whole = file.read_bytes()
        file.write_bytes(data)
        found = heads_objection(journal, tree)
        file.write_bytes(whole)
        line = whole[:place].count(b"\n") + 1
        told = re.search(r"(?:Head|Line) (\d+) of", found or "")
        return Verdict(found is not None, told is not None and int(told[1]) == line)

    return judge


def in_packed(file: Path) -> Judge:
    """A packed journal: xz has no places, so none is told."""

    def judge(data: bytes, _: int) -> Verdict:
        file.write_bytes(data)
        return Verdict(not verify_journal(file).ok, None)

    return judge


def rows(trials: int, processes: int, rng: random.Random) -> list[dict[str, object]]:
    """Make the night and its case; flip."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with contextlib.closing(Night(folder)) as night:
            for some in small_night(ROOT):  # one by one, so that a head is written each minute
                night.take([some])
        journal, sealed = folder / "night.journal", folder / "case.zip"
        words = ["case", "seal", ALARM, "--journal", str(journal), "--out", str(sealed), "--by", "post-1"]
        with contextlib.redirect_stdout(sys.stderr):
            cli.app(words, result_action="return_value")
        case, (segment,), heads = sealed.read_bytes(), journal.glob("*.seg"), journal / "heads.jsonl"
        packed = folder / "packed.xz"
        pack_journal(journal, packed)
        return [
            flipped("case", case, trials, rng, in_process),
            flipped("case, by its own verifier", case, processes, rng, as_a_stranger(folder, case)),
            flipped("journal", segment.read_bytes(), trials, rng, in_segment(journal, segment)),
            flipped("heads of the journal", heads.read_bytes(), trials, rng, in_heads(journal, heads)),
            flipped("packed journal", packed.read_bytes(), trials, rng, in_packed(packed)),
        ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=300, help="trials in a process of the shipped verifier")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    is_bad = False
    for row in rows(given.trials, given.processes, random.Random(given.seed)):
        print(json.dumps(row) if given.json else row, flush=True)
        is_bad |= row["named"] != row["trials"]
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main())
