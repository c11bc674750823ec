"""A case computed again by other software than made it: the versions are named, nothing is said against the case."""

import json
import shutil
import sys

import msgspec
import pytest

from araz.app import _case_again, _runtime
from araz.app._case_again import case_files
from araz.app._runtime import Night, judge
from araz.app._software import PROGRAMS, Programs, differences, in_force, judge_of, ran_by, software
from araz.evidence import canonical_json
from araz.store import read_journal
from araz.vocabulary import SOFTWARE_SOURCE, Ran
from araz_testing import araz
from small_night import START_US, small_night

OLDER = msgspec.structs.replace(software(), araz="0.0.9", source_sha256="0f" * 32)


@pytest.fixture(scope="module")
def night(root, tmp_path_factory):
    """A night that an older version ran and judged."""
    out = tmp_path_factory.mktemp("night")
    arrivals = small_night(root, 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_runtime, "software", lambda: OLDER)
        made = Night(out)
        made.take(arrivals[:40])
        made.take(arrivals[40:])
        made.close()
    (out / "judged.json").write_bytes(canonical_json(OLDER))
    return out


@pytest.fixture(scope="module")
def alarm_id(night):
    """The first alarm about a track."""
    said = [json.loads(line) for line in (night / "events.jsonl").read_bytes().splitlines()]
    return next(e["alarm_id"] for e in said if e["type"] == "alarm" and e.get("track_id"))


@pytest.fixture
def seal(alarm_id, tmp_path):
    def sealed(night, name="case.zip"):
        words = ["case", "seal", alarm_id, "--journal", night / "night.journal", "--out", tmp_path / name]
        assert araz(*words) == 0
        return tmp_path / name

    return sealed


def test_each_start_tells_the_journal_by_which_software_it_runs(root, tmp_path, monkeypatch):
    arrivals = small_night(root, 20)
    for part, one in ((arrivals[:10], OLDER), (arrivals[10:], software())):
        monkeypatch.setattr(_runtime, "software", lambda one=one: one)
        made = Night(tmp_path, log_events=False)
        made.resume()
        taken = made.take(part[:4]) + made.take(part[4:])
        assert [(m.received_at_us, m.source, m.payload) for m in taken] == part
        made.close()
    messages = list(read_journal(tmp_path / "night.journal"))
    assert [m.seq for m in messages if m.source == SOFTWARE_SOURCE] == [1, 11]
    assert [item.software for item in ran_by(messages)] == [OLDER, software()]
    # Without these words the same is said at the same moments.
    bare = [m for m in messages if m.source != SOFTWARE_SOURCE]
    assert [e for events in judge(messages) for e in events] == [e for events in judge(bare) for e in events]
    (tmp_path / "judged.json").write_bytes(canonical_json(OLDER))
    again = Night(tmp_path, log_events=False)
    again.resume()
    again.close()
    assert judge_of(tmp_path) == software()


def test_by_which_software_a_span_ran():
    ran = [Ran(from_us=at, first_seq=at, software=OLDER) for at in (10, 20, 30, 40)]
    assert [one.from_us for one in in_force(ran, 25, 40)] == [20, 30, 40]
    assert [one.from_us for one in in_force(ran, 5, 9)] == []
    assert in_force([], 0, 9) == []


def test_what_differs_is_named():
    assert differences(software(), software()) == []
    libraries = software().libraries | {"numpy": msgspec.structs.replace(software().libraries["numpy"], version="0.1")}
    other = msgspec.structs.replace(OLDER, python="3.9.0", libraries=libraries, processor="abacus")
    said = "; ".join(differences(other, software()))
    for words in ("Araz 0.0.9 (source 0f0f0f0f0f0f0f0f) and", "Python 3.9.0 and", "numpy 0.1 and", "processor abacus"):
        assert words in said


def test_a_case_says_by_what_the_night_ran_what_made_its_screens_and_what_sealed_it(night, seal):
    files = case_files(seal(night).read_bytes())
    programs = msgspec.json.decode(files[PROGRAMS], type=Programs)
    assert [one.software for one in programs.ran] == [OLDER]
    assert (programs.judged, programs.sealed) == (OLDER, software())
    for language in ("en", "az"):
        page = files[f"report.{language}.html"].decode()
        assert OLDER.source_sha256[:16] in page
        assert software().source_sha256[:16] in page
        assert software().lock_sha256[:16] in page
    (night / "judged.json").rename(night / "judged.was")
    try:
        files = case_files(seal(night, "unknown.zip").read_bytes())
        assert msgspec.json.decode(files[PROGRAMS], type=Programs).judged is None
        assert "not recorded" in files["report.en.html"].decode()
    finally:
        (night / "judged.was").rename(night / "judged.json")


def test_equal_is_equal_whoever_made_it(night, seal, capsys):
    file = seal(night)
    capsys.readouterr()
    assert araz("case", "recompute", file) == 0
    said = capsys.readouterr().out
    assert "The night ran by Araz 0.0.9 (source 0f0f0f0f0f0f0f0f) from" in said
    assert "the same, bit for bit, although other software made them (Araz 0.0.9" in said
    assert said.count("the same, bit for bit") == 2


def deaf(messages):
    """A version that judges otherwise: it hears nothing in the second half of a minute."""
    return judge(m for m in messages if not START_US + 30_000_000 < m.received_at_us < START_US + 34_000_000)


def test_a_difference_between_versions_is_not_told_as_one_of_the_case(night, seal, capsys, monkeypatch):
    file = seal(night)
    monkeypatch.setattr(_case_again, "judge", deaf)
    capsys.readouterr()
    assert araz("case", "recompute", file) == 2
    said = capsys.readouterr().out
    assert "DIFFERENT" not in said
    assert "NOT THE SAME" not in said
    assert "made by other software and so not compared bit for bit (Araz 0.0.9 (source 0f0f0f0f0f0f0f0f)" in said
    assert "largest difference is" in said
    assert "says nothing against the case" in said
    assert "install Araz 0.0.9" in said


def test_a_difference_of_the_same_software_is_said_plainly(night, seal, tmp_path, capsys, monkeypatch):
    same = tmp_path / "night"
    shutil.copytree(night, same)
    (same / "judged.json").write_bytes(canonical_json(software()))
    file = seal(same)
    monkeypatch.setattr(_case_again, "judge", deaf)
    capsys.readouterr()
    assert araz("case", "recompute", file) == 1
    assert "NOT THE SAME although the same software made them" in capsys.readouterr().out


def test_a_case_from_before_the_record_is_still_read():
    old = {"araz": "0.0.1", "source_sha256": "ab" * 32,
           "libraries": {"numpy": {"version": "1.0", "record_sha256": "cd" * 32}}}  # fmt: skip
    found = _case_again.programs_of(json.dumps(old).encode())
    assert (found.ran, found.judged, found.sealed.araz) == ([], None, "0.0.1")
    assert any("Python unknown" in words for words in differences(found.sealed, software()))


def test_the_version_that_made_a_part_computes_it_where_it_is_there(root, night, alarm_id, tmp_path, capsys):
    """Another Araz, in an interpreter of its own, that tells fewer points of a track."""
    package, ours = tmp_path / "other" / "araz", root / "src" / "araz"
    package.mkdir(parents=True)
    for item in ours.iterdir():
        if item.name not in ("app", "__pycache__"):
            (package / item.name).symlink_to(item)
    shutil.copytree(ours / "app", package / "app", ignore=shutil.ignore_patterns("__pycache__"))
    tracks = package / "app" / "_case_tracks.py"
    tracks.write_text(tracks.read_text().replace("MOST_POINTS: Final = 600", "MOST_POINTS: Final = 7"))
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{package.parent}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    same, file = tmp_path / "night", tmp_path / "case.zip"
    shutil.copytree(night, same)
    (same / "judged.json").write_bytes(canonical_json(software()))
    words = ["seal", alarm_id, "--journal", str(same / "night.journal"), "--out", str(file)]
    done = _case_again._run(python, words)
    assert done.returncode == 0, done.stderr
    capsys.readouterr()
    assert araz("case", "recompute", file) == 2
    assert "Tracks known now: 1, made by other software" in capsys.readouterr().out
    assert araz("case", "recompute", file, "--with", python) == 0
    said = capsys.readouterr().out
    assert f"With {python}:\nTracks known now: 1, the same, bit for bit." in said
    assert said.count("the same, bit for bit.") == 2
    assert araz("case", "recompute", file, "--with", "/bin/true") == 2
    assert "runs no Araz that says what it is" in capsys.readouterr().err
