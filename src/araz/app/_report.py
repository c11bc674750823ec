"""What the command line sends to a running console: a report, an order for a drill."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

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
    known = {key: value for key, value in body.items() if value is not None}
    say(f"taken: {post(url, '/api/reports', known, 'report').decode()}")
    return 0


def order_drill(url: str, ordered_by: str, within_min: float, seed: int) -> int:
    """Order one drill at a running console; raises ValueError with the remedy when it was not taken."""
    body = {"ordered_by": ordered_by, "within_s": 60.0 * within_min, "seed": seed}
    name = json.loads(post(url, "/api/drills", body, "drill"))["drill_id"]
    say(f"ordered: {name}, within {within_min:g} min; results: {url}/api/drills")
    return 0


def post(url: str, path: str, body: Mapping[str, Any], what: str) -> bytes:
    """Return the console's answer to a JSON body; ValueError with the remedy when it was not taken."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"--url must begin with http:// or https://, not {url!r}")
    request = urllib.request.Request(
        f"{url.rstrip('/')}{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise ValueError(f"the console refused the {what}: {error.read().decode()[:500]}") from error
    except urllib.error.URLError as error:
        raise ValueError(f"no console at {url} ({error.reason}); start one with araz watch, or give --url") from error
