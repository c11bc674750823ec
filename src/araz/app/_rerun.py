"""Archives judged again in parallel: the same bytes as one process gives, in a share of the time.

A journal falls into pieces where a site message stands, for there the judgement begins anew. Pieces share nothing, so
they go to processes, the largest first; what a journal's pieces give is put together in order. The engine is one call,
``map_pieces``: the standard library's pool, which is always there, or Ray (Apache-2.0, ``pip install 'araz[ray]'``),
which does the same on one machine and, where RAY_ADDRESS names a cluster that sees the same disk, on many.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import multiprocessing
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from araz.app._config import SITE_SOURCE
from araz.app._offline import progress_bar
from araz.app._rim import say
from araz.app._runtime import judge
from araz.store import EventLog, read_raw
from araz.vocabulary import Message

_R = TypeVar("_R")


#: Nothing is told to Ray's makers, whoever asks its server must know a word made for this run, and a busy machine may
#: take minutes to start the server's parts, where half a one is Ray's measure. Ray 2.54 and later end after 15 s that
#: no setting reaches (their issue 65983), hence the range in pyproject.toml.
RAY_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_gcs_server_request_timeout_seconds": "300",
    "RAY_enable_metrics_collection": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
#: The least Ray takes; a piece's question and answer are a few hundred bytes.
RAY_STORE_BYTES: Final = 80 << 20


class Engine(StrEnum):
    """What runs the pieces side by side."""

    PROCESSES = "processes"
    RAY = "ray"


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


def rerun(
    journals: Sequence[Path], out: Path, workers: int, engine: Engine = Engine.PROCESSES
) -> list[tuple[Path, Judged]]:
    """Judge journals again into ``out``, one file of events each; returns them with what was judged, in order.

    A file appears under its name when it is whole. The bytes depend neither on ``workers`` nor on ``engine``; one of
    ``Engine.PROCESSES`` is this process. Raises ValueError for no journal, no worker, an engine that is not there or
    does not start, JournalError for a journal that was altered.
    """
    if workers < 1 or not journals:
        raise ValueError("name at least one journal and one worker, for example: araz rerun out/*/night.journal")
    if engine is Engine.RAY and importlib.util.find_spec("ray") is None:
        raise ValueError("Ray is not installed: pip install 'araz[ray]', or leave --engine out")
    out.mkdir(parents=True, exist_ok=True)
    pieces_by_journal = [pieces_of(journal) for journal in journals]
    pieces = [piece for some in pieces_by_journal for piece in some]
    with tempfile.TemporaryDirectory(dir=out) as folder:
        jobs = [(piece, Path(folder) / f"{number:06d}.jsonl") for number, piece in enumerate(pieces)]
        found = map_pieces(judge_piece, jobs, [piece.end_seq - piece.first_seq for piece in pieces], workers, engine)
        results, judged = [], zip(jobs, found, strict=True)
        for number, (journal, some) in enumerate(zip(journals, pieces_by_journal, strict=True), 1):
            mine = list(islice(judged, len(some)))
            target = out / f"{number:03d}-{journal.parent.name or journal.stem}.jsonl"
            _join([part for (_, part), _ in mine], target)
            results.append((target, Judged(*(sum(column) for column in zip(*(one for _, one in mine), strict=True)))))
    return results


def map_pieces(
    work: Callable[[tuple[Piece, Path]], _R],
    jobs: Sequence[tuple[Piece, Path]],
    sizes: Sequence[int],
    workers: int,
    engine: Engine = Engine.PROCESSES,
) -> list[_R]:
    """``work`` of every job, in their order, by so many processes; the largest are begun first."""
    order = sorted(range(len(jobs)), key=lambda place: -sizes[place])
    found: dict[int, _R] = {}
    with progress_bar() as bar:
        task = bar.add_task("judging again", total=sum(sizes), clock="", rate="")
        if workers == 1 and engine is Engine.PROCESSES:
            for place in order:
                found[place] = work(jobs[place])
                bar.advance(task, sizes[place])
            return [found[place] for place in range(len(jobs))]
        run = _by_ray if engine is Engine.RAY else _by_processes
        for place, result in run(work, jobs, order, workers):
            found[place] = result
            bar.advance(task, sizes[place])
    return [found[place] for place in range(len(jobs))]


def _by_processes(
    work: Callable[[tuple[Piece, Path]], _R], jobs: Sequence[tuple[Piece, Path]], order: Sequence[int], workers: int
) -> Iterator[tuple[int, _R]]:
    """Place and result of each job as it is done, by the standard library's pool."""
    # Spawned: a fork would copy the locks of this process's threads.
    with ProcessPoolExecutor(min(workers, len(jobs)), multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(work, jobs[place]): place for place in order}
        for done in as_completed(running):
            yield running[done], done.result()


def _by_ray(
    work: Callable[[tuple[Piece, Path]], _R], jobs: Sequence[tuple[Piece, Path]], order: Sequence[int], workers: int
) -> Iterator[tuple[int, _R]]:
    """The same by Ray, never more than ``workers`` at a time."""
    with _ray(min(workers, len(jobs))) as ray:
        remote, waiting = ray.remote(num_cpus=1, max_retries=0)(work), iter(order)
        running = {remote.remote(jobs[place]): place for place in islice(waiting, workers)}
        while running:
            (done, *_), _ = ray.wait(list(running))
            try:
                yield running.pop(done), ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise (error.cause or error) from None
            running |= {remote.remote(jobs[place]): place for place in islice(waiting, 1)}


@contextlib.contextmanager
def _ray(workers: int) -> Iterator[Any]:
    """Ray, joined to the cluster that RAY_ADDRESS names, or with a server of its own that only this machine reaches."""
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        here: dict[str, Any] = {}
        if "RAY_ADDRESS" not in os.environ:
            for name, value in {**RAY_SETTINGS, "RAY_AUTH_TOKEN": secrets.token_hex(32)}.items():
                os.environ.setdefault(name, value)
            here = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": RAY_STORE_BYTES}
            here |= {"_node_ip_address": "127.0.0.1", "_temp_dir": folder}
        import ray

        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **here)
        except Exception as error:
            ray.shutdown()
            raise ValueError(f"Ray did not start ({error}); leave --engine out, and the same bytes come") from error
        try:
            yield ray
        finally:
            ray.shutdown()


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


def run_rerun(journals: Sequence[Path], out: Path, workers: int | None, engine: Engine) -> int:
    """Judge archives again, print a line for each, and how much was done in how long."""
    count = len(os.sched_getaffinity(0)) if workers is None else workers
    begun_s = time.monotonic()
    results = rerun(journals, out, count, engine)
    for target, judged in results:
        with target.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        say(f"{digest[:16]}  {target}  {judged.messages} messages, {judged.events} events")
    elapsed_s, cpu_s = time.monotonic() - begun_s, sum(judged.cpu_s for _, judged in results)
    say(f"{len(results)} journals by {count} workers: {cpu_s:.0f} CPU s in {elapsed_s:.0f} s")
    return 0
