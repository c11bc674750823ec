"""The doctor finds what was broken on purpose, and ends with 1 for it."""

import json

import pytest

from araz.app._doctor import examine
from araz.app._keys import station_key
from araz.app._post_keys import make_keys
from araz.app._rim import wall_clock_us
from araz.store import HeadLog, Journal, Records
from araz_testing import araz


@pytest.fixture
def station(tmp_path):
    station_key(tmp_path, None)
    with Journal.open(tmp_path / "night.journal") as journal:
        journal.append([(wall_clock_us() - 10_000_000 + k, "radar-1", b"plot %d" % k) for k in range(20)])
        HeadLog(journal.path).write()
    Records.open(tmp_path / "records.sqlite").close()
    return tmp_path


def states(out, tls=None):
    return {item.what: item.state for item in examine(out, "horadiz", tls)}


def test_a_sound_station(station):
    found = states(station)
    assert {found[what] for what in ("site", "journal", "heads", "records", "keys")} == {"ok"}
    assert found["clock"] != "bad"


def test_each_illness_is_named(station, tmp_path):
    segment = station / "night.journal" / "00000001.seg"
    whole = segment.read_bytes()
    segment.write_bytes(whole.replace(b"plot 7", b"plot 8"))
    assert states(station)["journal"] == "bad"
    segment.write_bytes(whole)
    heads = station / "night.journal" / "heads.jsonl"
    heads.write_bytes(heads.read_bytes().replace(b'"tree_size":20', b'"tree_size":19'))
    assert states(station)["heads"] == "bad"
    (station / "records.sqlite").write_bytes(b"no database" * 100)
    (station / "keys" / "station.pem").chmod(0o644)
    found = states(station, tmp_path / "no-tls")
    assert (found["records"], found["keys"], found["certificate"]) == ("bad", "bad", "bad")


def test_a_clock_that_went_back(station):
    with Journal.open(station / "night.journal") as journal:
        journal.append([(wall_clock_us() + 3_600_000_000, "radar-1", b"from the future")])
    assert states(station)["clock"] == "bad"


def test_the_keys_between_posts_and_centre(station, tmp_path):
    make_keys("127.0.0.1", ["P01", "P77"], tmp_path / "keys", 400)
    make_keys("127.0.0.1", ["P02"], tmp_path / "keys", 7)
    found = [(one.what, one.state) for one in examine(station, "chain", None, tmp_path / "keys")]
    assert ("key P01", "ok") in found
    assert ("key P02", "warn") in found, "a week is little"
    assert [one for one in found if one[0] == "key P77"] == [("key P77", "ok"), ("key P77", "warn")]
    assert "nats-server" in [what for what, _ in found]


def test_the_command_says_it_in_its_exit_status(station, capsys):
    (station / "keys" / "station.pem").chmod(0o644)
    assert araz("doctor", "--out", station, "--json") == 1
    assert any(item["what"] == "keys" and item["state"] == "bad" for item in json.loads(capsys.readouterr().out))
