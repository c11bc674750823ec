"""A report from the command line to a running console."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid

from araz.app._rim import say, wall_clock_us
from araz.vocabulary import ReportKind


def send_report(
    url: str,
    kind: ReportKind,
    reporter: str,
    bearing_deg: float | None,
    latitude_deg: float | None,
    longitude_deg: float | None,
    text: str | None,
) -> int:
    """Post one report and print its receipt; raises ValueError with the remedy when it was not taken."""
    body = {
        "kind": kind.value,
        "reporter": reporter,
        "report_id": str(uuid.uuid4()),
        "observed_at_us": wall_clock_us(),
        "azimuth_deg": bearing_deg,
        "latitude_deg": latitude_deg,
        "longitude_deg": longitude_deg,
        "text": text,
    }
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"--url must begin with http:// or https://, not {url!r}")
    request = urllib.request.Request(
        f"{url.rstrip('/')}/api/reports",
        data=json.dumps({key: value for key, value in body.items() if value is not None}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            say(f"taken: {answer.read().decode()}")
    except urllib.error.HTTPError as error:
        raise ValueError(f"the console refused the report: {error.read().decode()[:500]}") from error
    except urllib.error.URLError as error:
        raise ValueError(f"no console at {url} ({error.reason}); start one with araz watch, or give --url") from error
    return 0
