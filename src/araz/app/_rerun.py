"""Archives judged again in parallel: the same bytes as one process gives, in a share of the time.

A journal falls into pieces where a site message stands, for there the judgement begins anew. Pieces share nothing, so
they go to processes, the largest first; what a journal's pieces give is put together in order. The engine is one call,
``map_pieces``: the standard library's pool, because one machine holds a month of nights. Ray (Apache-2.0) would do
the same behind that call for many machines; its wheel has 79 MB and it starts a server and a store of its own.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from araz.app._config import SITE_SOURCE
from araz.app._offline import progress_bar
from araz.app._rim import say
from araz.app._runtime import judge
from araz.store import EventLog, read_raw
from araz.vocabulary import Message

_R = TypeVar("_R")


class Piece(NamedTuple):
    """What one process judges: entries ``first_seq`` up to, not including, ``end_seq`` of a journal."""

    journal: Path
    first_seq: int
    end_seq: int
    floor_us: int
    """The latest time before it, for time never runs backwards."""


class Judged(NamedTuple):
    """What came of a piece or of a journal: messages read, events said, and the processor's seconds."""

    messages: int
    events: int
    cpu_s: float


def rerun(journals: Sequence[Path], out: Path, workers: int) -> list[tuple[Path, Judged]]:
    """Judge journals again into ``out``, one file of events each; returns them with what was judged, in order.

    A file appears under its name when it is whole. The bytes do not depend on ``workers``; with 1 all is done in this
    process. Raises ValueError for no journal or no worker, JournalError for a journal that was altered.
    """
    if workers < 1 or not journals:
        raise ValueError("name at least one journal and one worker, for example: araz rerun out/*/night.journal")
    out.mkdir(parents=True, exist_ok=True)
    pieces_by_journal = [pieces_of(journal) for journal in journals]
    pieces = [piece for some in pieces_by_journal for piece in some]
    with tempfile.TemporaryDirectory(dir=out) as folder:
        jobs = [(piece, Path(folder) / f"{number:06d}.jsonl") for number, piece in enumerate(pieces)]
        found = map_pieces(judge_piece, jobs, [piece.end_seq - piece.first_seq for piece in pieces], workers)
        results, judged = [], zip(jobs, found, strict=True)
        for number, (journal, some) in enumerate(zip(journals, pieces_by_journal, strict=True), 1):
            mine = list(islice(judged, len(some)))
            target = out / f"{number:03d}-{journal.parent.name or journal.stem}.jsonl"
            _join([part for (_, part), _ in mine], target)
            results.append((target, Judged(*(sum(column) for column in zip(*(one for _, one in mine), strict=True)))))
    return results


def map_pieces(
    work: Callable[[tuple[Piece, Path]], _R], jobs: Sequence[tuple[Piece, Path]], sizes: Sequence[int], workers: int
) -> list[_R]:
    """``work`` of every job, in their order, by so many processes; the largest are begun first."""
    order = sorted(range(len(jobs)), key=lambda place: -sizes[place])
    found: dict[int, _R] = {}
    with progress_bar() as bar:
        task = bar.add_task("judging again", total=sum(sizes), clock="", rate="")
        if workers == 1:
            for place in order:
                found[place] = work(jobs[place])
                bar.advance(task, sizes[place])
            return [found[place] for place in range(len(jobs))]
        # Spawned: a fork would copy the locks of this process's threads.
        with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context("spawn")) as pool:
            running = {pool.submit(work, jobs[place]): place for place in order}
            for done in as_completed(running):
                found[running[done]] = done.result()
                bar.advance(task, sizes[running[done]])
    return [found[place] for place in range(len(jobs))]


def pieces_of(journal: Path) -> list[Piece]:
    """A journal's pieces, in order; a ValueError when there is none."""
    begins, floors, latest_us, end = list[int](), list[int](), 0, 0
    for entry in read_raw(journal):
        message = entry.message
        if message.source == SITE_SOURCE or not begins:
            begins.append(message.seq)
            floors.append(latest_us)
        latest_us, end = max(latest_us, message.received_at_us), message.seq + 1
    if not begins:
        raise ValueError(f"{journal} holds no message; name the folder of a journal, for example out/run/night.journal")
    ends = [*begins[1:], end]
    return [Piece(journal, *one) for one in zip(begins, ends, floors, strict=True)]


def judge_piece(job: tuple[Piece, Path]) -> Judged:
    """Judge one piece into a file of its own."""
    piece, target = job
    begun_s, messages, events = time.process_time(), 0, 0
    with EventLog(target) as log:
        for said in judge(_messages(piece)):
            messages += 1
            events += len(said)
            log.write(said)
    return Judged(messages, events, time.process_time() - begun_s)


def _messages(piece: Piece) -> Iterator[Message]:
    for entry in read_raw(piece.journal, piece.first_seq):
        message = entry.message
        if message.seq >= piece.end_seq:
            return
        is_first = message.seq == piece.first_seq
        yield replace(message, received_at_us=max(message.received_at_us, piece.floor_us)) if is_first else message


def _join(parts: Sequence[Path], target: Path) -> None:
    whole = parts[0].with_suffix(".whole")
    with whole.open("wb") as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)
            part.unlink()
    whole.replace(target)


def run_rerun(journals: Sequence[Path], out: Path, workers: int | None) -> int:
    """Judge archives again, print a line for each, and how much was done in how long."""
    count = len(os.sched_getaffinity(0)) if workers is None else workers
    begun_s = time.monotonic()
    results = rerun(journals, out, count)
    for target, judged in results:
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        say(f"{digest[:16]}  {target}  {judged.messages} messages, {judged.events} events")
    elapsed_s, cpu_s = time.monotonic() - begun_s, sum(judged.cpu_s for _, judged in results)
    say(f"{len(results)} journals by {count} workers: {cpu_s:.0f} CPU s in {elapsed_s:.0f} s")
    return 0
