"""A small night for cases: one radar follows one drone over the river, a patrol hears it, the officer decides."""

from __future__ import annotations

import numpy as np

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._runtime import Night
from araz.sensors import AsterixPlot, encode_asterix_034, encode_asterix_048, encode_decision, encode_report
from araz.vocabulary import Decision, DecisionAction, PeopleReport, ReportKind

START_US = 1_790_000_000_000_000
#: The card of the drone, told early because a radar of the line is out, which is the first card.
ALARM = "A0002"


def small_night(root, seconds=150, seed=3, alarm_id=ALARM):
    """Arrivals: one radar follows one drone over the river; a patrol hears it; the officer sends somebody."""
    rng, out = np.random.default_rng(seed), []
    out.append((START_US, SITE_SOURCE, bundle_from_file(root / "sites" / "horadiz" / "site.toml")))
    for k in range(seconds):
        at_us, north_m = START_US + k * 1_000_000, -6500.0 + 15.0 * k
        east_m = 500.0
        plot = AsterixPlot(
            float(np.hypot(east_m, north_m)) + rng.normal(0, 8),
            float(np.degrees(np.arctan2(east_m, north_m))) % 360,
            altitude_amsl_m=230.0,
        )
        clock_s = (at_us / 1e6) % 86400
        out.append((at_us + 40_000, "radar-1", encode_asterix_048(25, 1, clock_s, [plot])))
        out.append((at_us + 50_000, "radar-1", encode_asterix_034(25, 1, clock_s)))
    end_us = START_US + seconds * 1_000_000
    heard = PeopleReport(kind=ReportKind.HEARD, reporter="post-4", report_id="r-1", text="loud")
    out.append((end_us, "reports", encode_report(heard, end_us - 20_000_000, azimuth_deg=170.0)))
    sent = Decision(decision_id="d-1", alarm_id=alarm_id, revision=1, action=DecisionAction.SEND, officer="officer-1",
                    at_us=end_us, patrol_id="Patrol 2")  # fmt: skip
    out.append((end_us + 1, "console", encode_decision(sent)))
    out.append((end_us + 2, pipeline.TICK_SOURCE, b""))
    return out


def keep_small_night(root, out):
    """Have it journalled and judged in a folder."""
    night = Night(out)
    night.take(small_night(root))
    night.close()
