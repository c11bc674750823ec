"""``araz logs match`` from files to verdicts: a flight we recorded, one we never saw, one elsewhere."""

import csv
import json

import numpy as np
import pytest

from araz.app._config import bundle_from_file, site_from_bundle
from araz.app._data import site_path
from araz.app._logs import SIGHTINGS, pictures_of, read_sightings
from araz.app._runtime import Night
from araz.app.cli import main
from araz.simulation import read_scenario, simulate
from araz.store import Records
from araz.vocabulary import Picture, Track

SCENARIO = """
name = "seen"
title = "one flight"
start_at = 2026-03-01T20:00:00Z
duration_s = 150.0
[[actors]]
id = "drone"
kind = "multirotor"
start_s = 5.0
emits_radio = false
[[actors.waypoints]]
latitude_deg = 39.452
longitude_deg = 47.300
height_agl_m = 90.0
[[actors.waypoints]]
latitude_deg = 39.452
longitude_deg = 47.318
height_agl_m = 90.0
"""


def write_log(path, place, start_us, at_s, position, geoid=True):
    latitude, longitude, hae = place.frame.to_geodetic(position)
    altitude = hae - (place.site.geoid_undulation_m if geoid else 0.0) + 25.0  # a datum that is off
    lines = ["time_us,latitude,longitude,altitude"]
    for k in range(len(at_s)):
        at_us = start_us + round(at_s[k] * 1e6)
        lines.append(f"{at_us},{latitude[k]:.7f},{longitude[k]:.7f},{altitude[k]:.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A judged night with one flight, and three cards."""
    home = tmp_path_factory.mktemp("night")
    bundle = bundle_from_file(site_path("horadiz"))
    _, place, _ = site_from_bundle(bundle)
    scenario = read_scenario(SCENARIO)
    made = simulate(scenario, place, 4)
    night = Night(home / "run")
    night.set_site(bundle, scenario.start_us)
    night.take([tuple(arrival) for arrival in made.messages])
    night.close()
    course = made.bodies[0].course
    at_s = np.arange(course.start_s, course.end_s, 0.5)
    way = course.at(at_s)[0]
    write_log(home / "seen.csv", place, scenario.start_us, at_s, way)
    unseen = way + np.array([0.0, -9000.0, -60.0])
    write_log(home / "unseen.csv", place, scenario.start_us, at_s, unseen)
    write_log(home / "far.csv", place, scenario.start_us, at_s, way + np.array([90_000.0, 0.0, 0.0]))
    return home


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return end.value.code, capsys.readouterr()


def test_verdicts_ratios_and_what_the_map_learns(archive, capsys):
    files = [str(archive / name) for name in ("seen.csv", "unseen.csv", "far.csv")]
    code, said = run(capsys, "logs", "match", *files, "--records", str(archive / "run"), "--json")
    assert code == 0
    found = {record["log"]: record for record in map(json.loads, said.out.splitlines())}
    assert [found[n]["verdict"] for n in ("seen.csv", "unseen.csv", "far.csv")] == [
        "matched",
        "never seen",
        "elsewhere",
    ]
    best = found["seen.csv"]["matches"][0]
    assert best["likelihood_ratio_log10"] > 1
    assert best["clock_error_s"] == pytest.approx(0, abs=1.5)
    assert best["altitude_error_m"] == pytest.approx(25, abs=25)
    sightings = read_sightings(archive / "run")
    assert sightings.is_seen.any()
    assert not sightings.is_seen.all()
    before = (archive / "run" / SIGHTINGS).read_text()
    run(capsys, "logs", "match", *files, "--records", str(archive / "run"), "--json")
    assert (archive / "run" / SIGHTINGS).read_text() == before  # the same card twice teaches nothing twice


def test_journal_gives_the_same_and_errors_name_the_remedy(archive, capsys):
    seen, journal = str(archive / "seen.csv"), str(archive / "run" / "night.journal")
    code, said = run(capsys, "logs", "match", seen, "--journal", journal, "--json", "--no-learn")
    assert code == 0
    assert json.loads(said.out)["verdict"] == "matched"
    code, said = run(capsys, "logs", "match", seen)
    assert code == 2
    assert "--records" in said.err
    (archive / "junk.bin").write_bytes(b"\x00" * 64)
    code, said = run(capsys, "logs", "match", str(archive / "junk.bin"), "--journal", journal)
    assert code == 2
    assert "no flight log" in said.err


def test_show_lists_flights_and_clock(archive, capsys):
    code, said = run(capsys, "logs", "show", str(archive / "seen.csv"))
    assert code == 0
    assert "clock utc" in said.out
    assert "flight 1" in said.out


def test_a_long_night_is_read_whole(tmp_path, capsys):
    """Ten hours at one picture in five seconds, one track each: every row comes out, none is thinned."""
    start_us, pictures = 1_773_000_000_000_000, 7_200
    track = Track(
        track_id="T0001", latitude_deg=39.45, longitude_deg=47.3, altitude_hae_m=245.0, altitude_amsl_m=235.0,
        altitude_agl_m=72.0, altitude_sigma_m=10.0, speed_mps=13.5, course_deg=90.0, climb_mps=0.2,
        ellipse_semi_major_m=40.0, ellipse_semi_minor_m=20.0, ellipse_azimuth_deg=30.0, existence=0.98,
        is_confirmed=True, class_name="multirotor", class_probability=0.9, started_at_us=start_us,
        updated_at_us=start_us, sensors=["radar-1"],
    )  # fmt: skip
    times = [start_us + k * 5_000_000 for k in range(pictures)]
    with Records.open(tmp_path / "records.sqlite") as records:
        records.write([Picture(at_us=at_us, tracks=[track]) for at_us in times])
    assert [picture.at_us for picture in pictures_of(tmp_path)] == times
    out = tmp_path / "night.csv"
    assert run(capsys, "export", str(tmp_path), "--format", "csv", "--out", str(out))[0] == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [int(row["at_us"]) for row in rows] == times


@pytest.mark.parametrize("form", ["cot", "geojson", "csv", "misp"])
def test_night_is_exported(archive, capsys, form):
    out = archive / f"x.{form}"
    code, said = run(capsys, "export", str(archive / "run"), "--format", form, "--out", str(out))
    assert code == 0
    assert "written to" in said.out
    whole = out.read_bytes()
    code, said = run(capsys, "export", str(archive), "--format", form, "--out", str(out))
    assert code == 2
    assert "records.sqlite" in said.err
    assert out.read_bytes() == whole, "a folder without a night costs no earlier export"
    assert {"cot": b"<event ", "geojson": b'"FeatureCollection"', "csv": b"at_us,track_id", "misp": b'{"Event":{'}[
        form
    ] in out.read_bytes()
