"""``araz zones``: files of UAS geographical zones, listed and written."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from pathlib import Path

from araz.app._rim import bytes_of, say, wall_clock_us
from araz.exchange import read_zones, write_zones
from araz.geography import Zone, ZoneLimit, zone_area_km2
from araz.vocabulary import ZoneFormat


def run_zones(path: Path, form: ZoneFormat | None, out: Path | None, title: str) -> int:
    """List the zones of a file, or write the usable ones; what cannot be used goes to standard error."""
    now_us = wall_clock_us()
    told = read_zones(bytes_of(path, "the zones"), source=path.name, received_at_us=now_us)
    objections = [item.detail for item in told.rejected]
    if form is None:
        say("\n".join([f"{path.name}: {told.form}, {len(told.zones)} zones", *map(_line, told.zones)]))
    else:
        content, left = write_zones(told.zones, form, title=title, issued_at_us=now_us)
        objections += left
        if out is None:
            say(content.decode())
        else:
            out.write_bytes(content)
            say(f"{len(told.zones) - len(left)} zones written to {out}")
    counts = Counter(item.reason for item in told.rejected)
    said = [*objections, *(f"{count} zones not used: {reason}" for reason, count in sorted(counts.items()))]
    sys.stderr.write("".join(f"{line}\n" for line in said))
    return 1 if objections else 0


def _line(zone: Zone) -> str:
    heights = sorted({f"{_limit(v.lower, 'ground')} to {_limit(v.upper, 'any height')}" for v in zone.volumes})
    when = "always" if not zone.periods else "; ".join(
        f"{_day(period.from_us, 'any time')} to {_day(period.to_us, 'further notice')}"
        + (", some hours" if period.hours else "")
        for period in zone.periods
    )  # fmt: skip
    return f"  {zone.label}: {zone.kind.value}, {zone_area_km2(zone):.2f} km², {', '.join(heights)}; {when}"


def _limit(limit: ZoneLimit, otherwise: str) -> str:
    return otherwise if limit.height_m is None else f"{limit.height_m:g} m {limit.datum.name}"


def _day(at_us: int | None, otherwise: str) -> str:
    return otherwise if at_us is None else f"{dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC):%Y-%m-%d %H:%M} UTC"
