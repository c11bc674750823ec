"""The shipped night: replayed as bytes through the same door as live data."""

from __future__ import annotations

import asyncio
import lzma
import shutil
import time
from pathlib import Path

from araz.app._accounts import check_exposure
from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._data import demo_files, site_path
from araz.app._live import Live, serve
from araz.app._offline import play
from araz.app._playback import Playback
from araz.app._rim import say
from araz.app._runtime import Night, arrivals_of, forget_derived, in_batches
from araz.app._simulate import score_text
from araz.app._summary import Summary
from araz.console import Hub


def run_demo(*, headless: bool, speed: float, out: Path, host: str, port: int) -> int:
    """Replay the demo night, with the console or as fast as possible."""
    if speed <= 0:
        raise ValueError(f"--speed must be above 0, not {speed}; 10 is the default")
    check_exposure(host, None, None)
    journal, truth = demo_files()
    if not journal.exists():
        raise ValueError(f"{journal} is missing; make it again with: make night")
    if out.exists():
        _forget_old_night(out)
    summary = Summary()
    night = Night(out, listeners=[summary.write])
    try:
        if headless:
            started_s, cpu_s = time.monotonic(), time.process_time()
            play(night, lambda: arrivals_of(journal), "judging the night", "Asia/Baku")
            elapsed_s, cpu_s = time.monotonic() - started_s, time.process_time() - cpu_s
        else:
            asyncio.run(_show(night, journal, speed, host, port))
    except KeyboardInterrupt:
        say("stopped")
        return 0
    finally:
        night.close()
    say(summary.text(night.believed.line.site.time_zone))
    span_s = (summary.last_us - (summary.first_us or 0)) / 1e6
    say(f"\n{night.messages} messages, {span_s / elapsed_s:.0f} × real time, {cpu_s:.1f} CPU s")
    with lzma.open(truth) as packed, (out / "truth.jsonl").open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    say(score_text(out, out / "truth.jsonl"))
    say(f"Kept in {out}; look at it again with: make demo")
    return 0


def _forget_old_night(out: Path) -> None:
    """Remove the files of an earlier demo, and nothing else."""
    shutil.rmtree(out / "night.journal", ignore_errors=True)
    forget_derived(out)
    (out / "truth.jsonl").unlink(missing_ok=True)


async def _show(
    night: Night,
    journal: Path,
    speed: float,
    host: str,
    port: int,
) -> None:
    arrivals = arrivals_of(journal)
    first = next(arrivals)
    assert first[1] == SITE_SOURCE
    night.take([first])
    playback = Playback(first[0], speed)
    live = Live(night, Hub(), playback.now_us, playback.speed)
    night.listen(live.note)

    async def pace() -> None:
        for batch in in_batches(arrivals, 32):
            if (ahead_s := playback.wait_s(batch[-1][0])) > 0:
                await asyncio.sleep(ahead_s)
            playback.judging(batch[-1][0])
            await asyncio.gather(*(live.take(*arrival) for arrival in batch))
            playback.judging(None)
        playback.over()
        say("the night is over; the console stays open (Ctrl-C stops)")

    say(f"one night at the Horadiz sector, {speed:g} × real time")
    say(f"console: http://{host}:{port}   (Ctrl-C stops)")
    # The shipped night was recorded before its site file knew of planning.
    planned = site_from_bundle(bundle_from_file(site_path("horadiz")))[1]
    await serve(live, host, port, [pace()], planned=planned)
