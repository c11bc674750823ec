"""Recordings and journals, as fast as the machine allows."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import demo_files, site_path
from araz.app._rim import say
from araz.app._runtime import BATCH, Arrival, Night, arrivals_of, in_batches, judge, judge_into
from araz.app._summary import Summary, clock_text
from araz.feeds import is_capture, read_recording, sniff_format
from araz.sensors import DECODERS
from araz.store import is_journal, read_journal
from araz.vocabulary import Feed, Format, Message, Rejected, Sensor, Site

#: Day on which files without a date begin, 2 January 1970: a time of day then never lies before 1970.
UNTIMED_START_US = 86_400_000_000
#: Enough of the shipped night for every kind of scan and several tracks.
WARM_MESSAGES = 1500
#: Written for machines: the same record gives the same bytes.
ENCODER = msgspec.json.Encoder(order="deterministic")


def progress_bar() -> Progress:
    """Return the bar of long work: what, how far, the night's clock, how many times real time."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[clock]}  {task.fields[rate]}"),
        TimeElapsedColumn(),
        transient=not sys.stderr.isatty(),
        disable=not sys.stderr.isatty(),
    )


def play(night: Night, arrivals: Callable[[], Iterator[Arrival]], title: str, zone: str) -> None:
    """Feed arrivals to a night; where a bar is shown, they are first read through once to know how much there is."""
    with progress_bar() as bar:
        first_us, last_us = (0, 0) if bar.disable else _span_us(arrivals())
        task = bar.add_task(title, total=max(1, last_us - first_us), clock="", rate="")
        started_s = time.monotonic()
        for batch in in_batches(arrivals(), BATCH):
            night.take(batch)
            now_us = batch[-1][0]
            elapsed_s = max(time.monotonic() - started_s, 1e-3)
            rate = f"{(now_us - first_us) / 1e6 / elapsed_s:.0f} × real time"
            bar.update(task, completed=now_us - first_us, clock=clock_text(now_us, zone), rate=rate)


def _span_us(arrivals: Iterator[Arrival]) -> tuple[int, int]:
    """Return first and last time of arrival; what is wrong with a recording is told when it is played."""
    first_us, last_us = None, 0
    with contextlib.suppress(ValueError, OSError):
        for at_us, _, _ in arrivals:
            first_us, last_us = at_us if first_us is None else first_us, at_us
    return first_us or 0, last_us


def run_recordings(recordings: Sequence[str], site_name: str, out: Path, format: Format | None) -> int:
    """Play recordings through a site into a fresh folder; print the summary."""
    if not recordings:
        raise ValueError(
            "name at least one recording, for example: araz run capture.pcap --site horadiz --out out/night"
        )
    if (out / "night.journal").exists():
        raise ValueError(f"{out} already holds a night; choose another --out, or continue it with araz watch")
    bundle = bundle_from_file(site_path(site_name))
    site, _, _ = site_from_bundle(bundle)

    def arrivals() -> Iterator[Arrival]:
        return heapq.merge(*(_stream(item, site, format) for item in recordings), key=lambda arrival: arrival[0])

    first = next(arrivals(), None)
    if first is None:
        raise ValueError(f"{', '.join(recordings)}: no message in it; araz decode FILE --format … tells why")
    summary = Summary()
    night = Night(out, listeners=[summary.write])
    try:
        night.set_site(bundle, first[0])
        play(night, arrivals, "judging the recordings", site.time_zone)
    finally:
        night.close()
    say(summary.text(site.time_zone))
    say(f"Kept in {out}: night.journal, events.jsonl, records.sqlite")
    return 0


def _stream(item: str, site: Site, format: Format | None) -> Iterator[Arrival]:
    """Return the arrivals of one recording under the feed it belongs to."""
    name, _, path_text = item.rpartition("=")
    path = Path(path_text)
    if not path.exists():
        raise ValueError(f"there is no recording {path}")
    if is_journal(path):
        return (arrival for arrival in arrivals_of(path) if arrival[1] != SITE_SOURCE)
    return _with_problems(path, _feed_for(path, name, site, format))


def _with_problems(path: Path, feed: Feed) -> Iterator[Arrival]:
    """Read a recording; what the reader itself had to refuse joins the messages as journalled problems."""
    refused: list[Rejected] = []
    arrivals = read_recording(path, feed, start_at_us=UNTIMED_START_US, problems=refused.append)
    for arrival in _timed_by_content(arrivals, feed) if _is_untimed(path, feed) else arrivals:
        yield from _problem_arrivals(refused)
        yield arrival
    yield from _problem_arrivals(refused)


def _is_untimed(path: Path, feed: Feed) -> bool:
    """Tell files whose only clock is in the messages: raw ASTERIX and SAPIENT."""
    return feed.format in (Format.ASTERIX, Format.SAPIENT) and not is_capture(path)


def _timed_by_content(arrivals: Iterable[Arrival], feed: Feed) -> Iterator[Arrival]:
    """Let each message arrive when it says it was observed, never backwards, so that the night keeps its pace."""
    decoder, at_us = DECODERS[feed.format], UNTIMED_START_US
    state = decoder.init(feed, [])
    for seq, (_, source, payload) in enumerate(arrivals):
        state, decoded = decoder.step(state, Message(seq=seq, received_at_us=at_us, source=source, payload=payload))
        at_us = max([at_us, *(item.observed_at_us for item in decoded if not isinstance(item, Rejected))])
        yield at_us, source, payload


def _problem_arrivals(refused: list[Rejected]) -> Iterator[Arrival]:
    for item in refused:
        yield item.received_at_us, pipeline.PROBLEM_SOURCE, msgspec.json.encode(item)
    refused.clear()


def _feed_for(path: Path, name: str, site: Site, format: Format | None) -> Feed:
    if name:
        feed = next((feed for feed in site.feeds if feed.id == name), None)
        if feed is None:
            raise ValueError(f"the site has no feed {name!r}; it has {', '.join(feed.id for feed in site.feeds)}")
        return feed
    told = format or sniff_format(path)
    if told is None:
        raise ValueError(f"cannot tell the format of {path}; add --format (one of {', '.join(Format)})")
    feed = next((feed for feed in site.feeds if feed.format == told), None)
    if feed is None:
        raise ValueError(f"{path} is {told.value}, but the site has no feed of that format; add one to its [[feeds]]")
    return feed


def decode_file(path: Path, format: Format, site_name: str) -> int:
    """Print one JSON record a line for everything in a file; bad bytes are records too."""
    if not path.exists():
        raise ValueError(f"there is no file {path}")
    feed, sensors = Feed(id=format.value, format=format), list[Sensor]()
    if site_name:
        site, _, _ = site_from_bundle(bundle_from_file(site_path(site_name)))
        feed = next((item for item in site.feeds if item.format == format), feed)
        sensors = [sensor for sensor in site.sensors if sensor.feed == feed.id]
    decoder = DECODERS[format]
    states: dict[str, object] = {}
    refused: list[Rejected] = []
    for seq, (received_at_us, source, payload) in enumerate(
        read_recording(path, feed, start_at_us=UNTIMED_START_US, problems=refused.append)
    ):
        message = Message(seq=seq, received_at_us=received_at_us, source=source, payload=payload)
        state = states[source] if source in states else decoder.init(feed, sensors)
        states[source], decoded = decoder.step(state, message)
        for record in decoded:
            sys.stdout.buffer.write(ENCODER.encode(record) + b"\n")
    for record in refused:
        sys.stdout.buffer.write(ENCODER.encode(record) + b"\n")
    sys.stdout.buffer.flush()
    return 0


def replay_journal(path: Path, out: Path | None) -> int:
    """Judge a journal again from its first message; print or write its events."""
    if not path.exists():
        raise ValueError(f"there is no journal {path}")
    if out is not None:
        judge_into(path, out)
        return 0
    for events in judge(read_journal(path)):
        for event in events:
            sys.stdout.buffer.write(ENCODER.encode(event) + b"\n")
    sys.stdout.buffer.flush()
    return 0


def warm_kernels() -> int:
    """Judge the first minutes of the shipped night, so that every kernel is compiled and cached."""
    state = pipeline.init()
    for message in itertools.islice(read_journal(demo_files()[0]), WARM_MESSAGES):
        state, _ = pipeline.step(state, message)
    assert state is not None
    for number in state.tracking.confirmed_number.tolist()[:1]:
        pipeline.launch_of(state, number)  # asked only after a drone was followed for a while
    return 0
