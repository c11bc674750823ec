"""The monthly table counts what the records hold; the search plan follows the reports, whoever sent them and when."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from araz.app._alarms import months, run_alarms
from araz.app._search import search_plan
from araz.geography import place_from_site
from araz.store import Records
from araz.vocabulary import (
    Alarm,
    AlarmFigures,
    AlarmState,
    Area,
    PeopleReport,
    Picture,
    ReportKind,
    ReportReceived,
    Site,
)

BAKU = ZoneInfo("Asia/Baku")


def at(*when):
    return int(datetime(*when, tzinfo=BAKU).timestamp() * 1e6)


def alarm(name, at_us, **changes):
    plain = {"priority": 2, "state": AlarmState.ACTIVE, "sentence": "s", "confidence": 0.5, "revision": 1}
    return Alarm(alarm_id=name, raised_at_us=at_us, changed_at_us=at_us, **(plain | changes))


def test_a_month_is_the_sites_own_and_counts_only_the_hours_watched(tmp_path, capfd):
    # 31 March 23:30 in Baku is still March there, though 19:30 UTC; one minute after midnight is April.
    raised = [at(2026, 3, 31, 23, 30), at(2026, 3, 31, 23, 59), at(2026, 4, 1, 0, 1)]
    with Records.open(tmp_path / "records.sqlite") as records:
        records.write([alarm(f"A{k}", one) for k, one in enumerate(raised)])
        records.write(
            [Picture(at_us=at(2026, 3, 31, 22, 0), tracks=[]), Picture(at_us=at(2026, 4, 1, 2, 0), tracks=[])]
        )
        march, april = months(records, "Asia/Baku", at(2026, 4, 1, 2, 0))
    assert [(row.label, row.raised) for row in (march, april)] == [("2026-03", 2), ("2026-04", 1)]
    assert march.per_hour == pytest.approx(1.0), "two alarms in the two hours watched"
    assert april.per_hour == pytest.approx(0.5)
    assert run_alarms(tmp_path, "", as_json=True) == 0
    rows = msgspec.json.decode(capfd.readouterr().out, type=list[AlarmFigures])
    assert sum(row.raised for row in rows) == 3
    assert run_alarms(tmp_path, "2031-01", as_json=False) == 0
    assert "No alarms in 2031-01" in capfd.readouterr().out
    with pytest.raises(ValueError, match="--out folder"):
        run_alarms(tmp_path / "elsewhere", "", as_json=False)


def test_the_plan_follows_every_search_since_the_alarm_and_no_other():
    site = Site(
        name="t", time_zone="UTC", origin_latitude_deg=39.4, origin_longitude_deg=47.3, origin_hae_m=100.0,
        geoid_undulation_m=10.0, border="b", own_side="right",
    )  # fmt: skip
    line = {"type": "LineString", "coordinates": [[47.2, 39.4], [47.4, 39.4]]}
    place = place_from_site(site, line, {"type": "FeatureCollection", "features": []}, [])
    shape = {"latitude_deg": 39.41, "longitude_deg": 47.31, "semi_minor_m": 200.0, "azimuth_deg": 0.0}
    areas = [Area(**shape, semi_major_m=240.0, probability=0.5), Area(**shape, semi_major_m=430.0, probability=0.9)]
    card = alarm("A1", 1_000, areas=areas)

    def report(name, observed_us, received_us, squares):
        told = PeopleReport(kind=ReportKind.NOTHING, reporter="patrol-1", report_id=name, searched=squares)
        return ReportReceived(report=told, observed_at_us=observed_us, received_at_us=received_us)

    before = search_plan(place, card, [], 5_000)
    assert before.outside + sum(one.probability for one in before.squares) == pytest.approx(1.0)
    best = max(before.squares, key=lambda one: one.probability).name
    counted = report("r1", 2_000, 3_000, [best])
    ignored = [
        report("r0", 500, 600, [best]),
        report("r2", 2_000, 9_000, [best]),
        report("r3", 2_000, 3_000, ["70:1:1"]),
    ]
    after = search_plan(place, card, [counted, *ignored], 5_000)
    assert next(one for one in after.squares if one.name == best).searched == pytest.approx(0.7)
    assert [one.name for one in after.squares if one.searched > 0] == [best]
    assert search_plan(place, alarm("A2", 1_000), [], 5_000) is None
