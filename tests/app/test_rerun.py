"""What several processes make of an archive is, byte for byte, what one makes of it, across changes of the site too."""

import importlib.util
import subprocess
import sys

import pytest
from test_pipeline import START_US, night

from araz.app import _rerun
from araz.app._config import SITE_SOURCE, bundle_from_file
from araz.app._data import site_path
from araz.app._rerun import Engine, pieces_of, rerun
from araz.app._runtime import judge_into
from araz.store import Journal
from araz_testing import araz, missing


@pytest.fixture(scope="module")
def archive(root, tmp_path_factory):
    """Three nights; the second changes its site twice, once with a clock that stepped back."""
    folder = tmp_path_factory.mktemp("archive")
    bundle = bundle_from_file(site_path("horadiz"))
    for name, seconds, seed in (("a", 25, 1), ("b", 40, 2), ("c", 15, 3)):
        arrivals = [(one.received_at_us, one.source, one.payload) for one in night(root, seconds, seed)]
        if name == "b":
            arrivals.insert(40, (START_US + 5_000_000, SITE_SOURCE, bundle))
            arrivals.insert(70, (arrivals[69][0], SITE_SOURCE, bundle))
        with Journal.open(folder / name / "night.journal") as journal:
            journal.append(arrivals)
    return [folder / name / "night.journal" for name in "abc"]


@pytest.fixture(scope="module")
def alone(archive, tmp_path_factory):
    return rerun(archive, tmp_path_factory.mktemp("one"), 1)


@pytest.mark.timeout(900)  # a busy machine takes minutes to start Ray's server
def test_ray_gives_the_bytes_of_one_process(archive, alone, tmp_path):
    """In a program of its own, since Ray's threads and settings stay with whoever loaded it."""
    if importlib.util.find_spec("ray") is None:
        missing("Ray (pip install ray)")
    words = ["rerun", *map(str, archive), "--workers", "2", "--engine", "ray", "--out", str(tmp_path / "ray")]
    done = subprocess.run([sys.executable, "-m", "araz.app.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for one, judged in alone:
        assert (tmp_path / "ray" / one.name).read_bytes() == one.read_bytes()
        assert f"{one.name}  {judged.messages} messages, {judged.events} events" in done.stdout


def test_two_processes_give_the_bytes_of_one_and_of_a_replay(archive, alone, tmp_path):
    both = rerun(archive, tmp_path / "two", 2)
    for journal, (one, judged), (two, again) in zip(archive, alone, both, strict=True):
        judge_into(journal, tmp_path / "replayed.jsonl")
        assert one.read_bytes() == two.read_bytes() == (tmp_path / "replayed.jsonl").read_bytes()
        assert (judged.messages, judged.events) == (again.messages, again.events)
        assert judged.events == len(one.read_bytes().splitlines()) > 10
    assert [one.name for one, _ in both] == ["001-a.jsonl", "002-b.jsonl", "003-c.jsonl"]
    assert {one.name for one in (tmp_path / "two").iterdir()} == {one.name for one, _ in both}


def test_a_journal_named_twice_is_judged_twice(archive, tmp_path):
    (one, first), (two, second) = rerun([archive[2], archive[2]], tmp_path / "out", 1)
    judge_into(archive[2], tmp_path / "replayed.jsonl")
    assert one.read_bytes() == two.read_bytes() == (tmp_path / "replayed.jsonl").read_bytes()
    assert first[:2] == second[:2]


def test_a_journal_falls_into_pieces_at_its_sites(archive):
    assert [len(pieces_of(one)) for one in archive] == [1, 3, 1]
    first, second, third = pieces_of(archive[1])
    assert (first.first_seq, first.end_seq, second.first_seq, second.end_seq) == (0, 40, 40, 70)
    assert second.floor_us > START_US + 5_000_000
    assert third.end_seq > 70


def test_without_ray_the_remedy_is_named(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install"):
        rerun(archive, tmp_path / "out", 2, Engine.RAY)


def test_the_largest_are_begun_first_and_the_order_stays():
    begun = []
    found = _rerun.map_pieces(lambda job: begun.append(job) or job, ["a", "b", "c"], [1, 3, 2], 1)
    assert begun == ["b", "c", "a"]
    assert found == ["a", "b", "c"]


def test_the_command_says_what_it_did_and_what_it_lacks(archive, tmp_path, capsys):
    assert araz("rerun", archive[2], "--out", tmp_path / "out", "--workers", "1") == 0
    assert "001-c.jsonl" in capsys.readouterr().out
    assert araz("rerun", "--out", tmp_path / "out") == 2
    assert "at least one journal" in capsys.readouterr().err
    assert araz("rerun", tmp_path / "nowhere", "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err
