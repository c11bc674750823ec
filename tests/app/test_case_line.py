"""Each thing that a case must hold, found in one and held against where it came from."""

import gzip
import hashlib
import importlib.metadata
import json
import tomllib

import numpy as np
import pytest

from araz.app._case_again import case_files
from araz.app._case_words import word
from araz.app._config import SITE_SOURCE, site_from_bundle
from araz.evidence import is_signed_by
from araz.store import read_raw
from araz_testing import araz, text_of_pdf
from small_night import ALARM, START_US, keep_small_night

PHOTO = b"\xff\xd8 a photograph"


@pytest.fixture(scope="module")
def night(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("night")
    keep_small_night(root, out)
    (out / "hook.jpg").write_bytes(PHOTO)
    key, log = ["--by", "post-4", "--key", out / "post-4.pem"], ["--log", out / "custody.journal", "--why", "found"]
    assert araz("case", "key", out / "post-4.pem") == 0
    assert araz("custody", "hand", "post-4", "--service", "border", *key[2:], *log) == 0
    words = ["--category", "drone", "--description", "hexacopter", "--seal", "B-7", "--photo", out / "hook.jpg"]
    assert araz("custody", "take", "E-1", *words, *key, *log) == 0
    assert araz("case", "seal", ALARM, "--journal", out / "night.journal", "--out", out / "case.zip") == 0
    return out


@pytest.fixture(scope="module")
def files(night):
    return case_files((night / "case.zip").read_bytes())


@pytest.fixture(scope="module")
def manifest(files):
    return json.loads(files["manifest.json"])


@pytest.fixture(scope="module")
def events(night):
    """What the night said, by its event log, which another writer made than the records."""
    return [json.loads(line) for line in (night / "events.jsonl").read_bytes().splitlines()]


def lines(data):
    return [json.loads(line) for line in data.splitlines()]


def test_every_raw_message_of_the_span_as_the_journal_has_it(night, files, manifest):
    whole = [raw.data for raw in read_raw(night / "night.journal") if raw.message.received_at_us <= manifest["to_us"]]
    assert files["messages.bin"] == b"".join(whole)
    assert manifest["messages"] == len(whole)
    assert araz("case", "verify", night / "case.zip", "--key", night / "keys" / "station.pub.pem") == 0


def test_the_site_is_the_one_in_force_with_its_calibration(root, night, files):
    first = next(iter(read_raw(night / "night.journal")))
    assert first.message.source == SITE_SOURCE
    assert files["site.json"] == first.message.payload
    assert site_from_bundle(files["site.json"])[0].name == "Horadiz"
    told = {sensor["id"]: sensor for sensor in json.loads(files["sensors.json"])["site"]}
    stated = tomllib.loads((root / "sites" / "horadiz" / "site.toml").read_text())["sensors"]
    assert {sensor["id"] for sensor in stated} == set(told)
    for sensor in stated:
        for name in ("range_sigma_m", "azimuth_sigma_deg", "latitude_deg", "longitude_deg", "max_range_m"):
            assert told[sensor["id"]][name] == sensor.get(name, told[sensor["id"]][name])
    page = files["report.en.html"].decode()
    radar = next(sensor for sensor in stated if sensor["id"] == "radar-1")
    assert f"{radar['latitude_deg']:.5f}, {radar['longitude_deg']:.5f}" in page


def test_the_software_by_its_source_and_its_libraries(root, files):
    digest = hashlib.sha256()
    for path in sorted((root / "src" / "araz").rglob("*.py")):
        name = str(path.relative_to(root / "src" / "araz")).encode()
        digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    programs = json.loads(files["software.json"])
    for one in (programs["ran"][0]["software"], programs["judged"], programs["sealed"]):
        assert one["source_sha256"] == digest.hexdigest()
        assert one["libraries"]["numpy"]["version"] == importlib.metadata.version("numpy")
        record = importlib.metadata.distribution("numpy").read_text("RECORD").encode()
        assert one["libraries"]["numpy"]["record_sha256"] == hashlib.sha256(record).hexdigest()
        locked = {"libraries": one["libraries"], "python": one["python"]}
        text = json.dumps(locked, sort_keys=True, separators=(",", ":")).encode()
        assert one["lock_sha256"] == hashlib.sha256(text).hexdigest()


def test_what_was_on_the_screen_is_what_the_night_showed(files, manifest, events):
    shown = [e for e in events if e["type"] == "picture" and manifest["from_us"] <= e["at_us"] <= manifest["to_us"]]
    assert len(shown) > 60
    assert lines(gzip.decompress(files["tracks_then.jsonl.gz"])) == shown


def test_the_track_known_now_is_nearer_to_the_truth_than_its_ellipse_is_long(root, files):
    """The drone of the small night flies north along a meridian of the site: 15 m/s from 6,500 m south."""
    bundle = site_from_bundle(files["site.json"])
    _, place, _ = bundle
    points = [p for track in json.loads(files["tracks_now.json"]) for p in track["points"]]
    assert len(points) > 60
    enu = place.frame.to_enu(
        [p["latitude_deg"] for p in points], [p["longitude_deg"] for p in points], [p["altitude_hae_m"] for p in points]
    )
    radar = next(sensor for sensor in bundle[0].sensors if sensor.id == "radar-1")
    origin = place.frame.to_enu([radar.latitude_deg], [radar.longitude_deg], [0.0])[0]
    at_s = np.array([p["at_us"] - START_US for p in points]) / 1e6
    off_m = np.hypot(enu[:, 0] - origin[0] - 500.0, enu[:, 1] - origin[1] - (-6500.0 + 15.0 * at_s))
    assert np.median(off_m) < 25.0
    assert np.mean(off_m < np.array([p["ellipse_semi_major_m"] for p in points])) > 0.8


def test_alarms_decisions_and_reports_are_those_of_the_night(files, events):
    for name, kind in (("alarms", "alarm"), ("incidents", "incident"), ("decisions", "decision")):
        mine = lines(files[f"{name}.jsonl"])
        assert mine
        assert [e for e in events if e in mine and e["type"] == kind] == mine
    assert [d["officer"] for d in lines(files["decisions.jsonl"])] == ["officer-1"]
    assert [r["report"]["text"] for r in lines(files["reports.jsonl"])] == ["loud"]


def test_exhibits_with_their_photographs_and_signatures(night, files):
    assert [data for name, data in files.items() if name.startswith("exhibits/")] == [PHOTO]
    taken = json.loads(files["custody.json"])[1]
    assert (taken["exhibit"], taken["who"], taken["what"]["description"]) == ("E-1", "post-4", "hexacopter")
    signed = json.dumps({**taken, "signature": ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert is_signed_by((night / "post-4.pub.pem").read_text(), bytes.fromhex(taken["signature"]), signed)
    page = files["report.en.html"].decode()
    assert hashlib.sha256(PHOTO).hexdigest() in page
    assert "B-7" in page


def test_what_speaks_against(files, manifest):
    told = json.loads(files["against.json"])
    assert set(told) >= {"sensors", "classes", "reasons", "not_seen", "verdicts", "lost_s", "near", "spoofs"}
    shown = lines(gzip.decompress(files["tracks_then.jsonl.gz"]))
    mine = [t for picture in shown for t in picture["tracks"] if t["track_id"] in manifest["tracks"]]
    assert {c["class_name"] for c in told["classes"]} == {t["class_name"] for t in mine}
    assert sum(c["seconds"] for c in told["classes"]) == len(mine)
    saw = {name for track in mine for name in track["sensors"]}
    assert {s["sensor_id"] for s in told["sensors"] if s["updated"]} == saw
    page = files["report.en.html"].decode()
    for sensor in told["sensors"]:
        if not sensor["updated"] and sensor["in_range_s"] > 0:
            assert f"{sensor['sensor_id']} ({sensor['in_range_s']:.0f} s)" in page


@pytest.mark.parametrize("language", ["en", "az"])
def test_a_judge_finds_every_part_in_order_on_the_page_and_on_paper(files, language):
    page, paper = files[f"report.{language}.html"].decode(), text_of_pdf(files[f"report.{language}.pdf"])
    names = ("summary", "map", "events", "alarms", "decisions", "reports", "then_now", "moments", "against",
             "calibration", "messages_words", "custody", "photographs", "programs", "check")  # fmt: skip
    flat = " ".join(paper.split())
    for text in (page, flat):
        places = [text.find(word(name, language)[:40]) for name in names]
        assert -1 not in places, [name for name, place in zip(names, places, strict=True) if place < 0]
        assert places == sorted(places)
    assert "{" not in flat, "a word's braces were not filled"
    other = {"en": "az", "az": "en"}[language]
    assert word("against_words", other) not in page


def test_who_unpacks_it_is_told_what_each_file_is(files):
    readme = files["README.txt"].decode()
    for name in files:
        stem = name.partition("/")[0].partition(".")[0]
        assert stem in readme or name in ("README.txt", "manifest.tsr"), name
