"""The drill: a station is killed while it writes, its backup is restored elsewhere, and it says the same."""

import itertools
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from araz.app._data import RECORDS
from araz.app._runtime import judge_into, keep_records_at
from araz.store import Records, read_journal, url_file, verify_journal
from araz_testing import araz

ROOT = Path(__file__).resolve().parents[2]
#: A station: takes the golden night in small batches, is backed up on the way, goes on, and is killed at once.
STATION = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from araz.app._backup import backup_command
from araz.app._keys import head_signer
from araz.app._runtime import Night, in_batches
from araz.store import read_journal
out, backup, tools = (Path(word) for word in sys.argv[1:4])
from golden import JOURNAL
night = Night(out)
for k, batch in enumerate(in_batches(read_journal(JOURNAL), 64)):
    night.take([(m.received_at_us, m.source, m.payload) for m in batch])
    if k == 8:
        backup_command(out, to=backup)
    if k == 12:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    home = tmp_path_factory.mktemp("drill")
    words = [sys.executable, "-c", STATION, home / "station", home / "early.tar.gz", ROOT / "tools"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return home


def events_of(folder, out):
    judge_into(folder / "night.journal", out)
    return out.read_bytes()


def test_the_backup_of_a_running_station_is_its_beginning(killed, tmp_path):
    assert araz("restore", killed / "early.tar.gz", "--out", tmp_path / "again") == 0
    again, whole = tmp_path / "again", list(read_journal(killed / "station" / "night.journal"))
    kept = list(read_journal(again / "night.journal"))
    assert kept == whole[: len(kept)]
    assert len(kept) == 9 * 64 + 1  # one says by which software
    early = events_of(again, tmp_path / "early.jsonl")
    assert early
    assert events_of(killed / "station", tmp_path / "late.jsonl").startswith(early)
    assert (again / "events.jsonl").exists()


def test_the_backup_of_a_killed_station_says_the_same(killed, tmp_path):
    station = tmp_path / "station"
    shutil.copytree(killed / "station", station)
    segment = station / "night.journal" / "00000001.seg"
    before = list(read_journal(station / "night.journal"))
    with segment.open("r+b") as file:  # the last entry half on disk: nobody was told that it was kept
        file.truncate(segment.stat().st_size - 5)
    assert araz("backup", station, "--to", tmp_path / "b.tar.gz") == 0
    assert araz("restore", tmp_path / "b.tar.gz", "--out", tmp_path / "again") == 0
    assert list(read_journal(tmp_path / "again" / "night.journal")) == before[:-1]
    whole = events_of(killed / "station", tmp_path / "whole.jsonl")
    assert whole.startswith(events_of(tmp_path / "again", tmp_path / "again.jsonl"))
    assert verify_journal(tmp_path / "again" / "night.journal").ok
    with Records.open(tmp_path / "again" / "records.sqlite") as records:
        assert records.picture_span() is not None


def test_keys_stay_unless_asked_for_and_nothing_is_overwritten(killed, tmp_path):
    def names(file):
        with tarfile.open(file) as archive:
            return {Path(name).parts[0] for name in archive.getnames()}

    assert names(killed / "early.tar.gz") == {"night.journal"}
    station = killed / "station"
    assert araz("backup", station, "--to", killed / "early.tar.gz") == 2
    assert araz("backup", station, "--to", tmp_path / "keys.tar.gz", "--keys") == 0
    assert names(tmp_path / "keys.tar.gz") == {"night.journal", "keys"}
    assert (tmp_path / "keys.tar.gz").stat().st_mode & 0o077 == 0
    assert araz("restore", tmp_path / "keys.tar.gz", "--out", station) == 2
    assert araz("backup", tmp_path / "nowhere", "--to", tmp_path / "c.tar.gz") == 2


def test_a_restored_station_never_touches_the_records_of_the_running_one(killed, tmp_path):
    station = tmp_path / "station"
    shutil.copytree(killed / "station", station)
    keep_records_at(station, "postgresql://araz:secret@127.0.0.1:1/night")
    assert araz("backup", station, "--to", tmp_path / "b.tar.gz", "--keys") == 0
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert url_file(RECORDS).name not in archive.getnames()
    assert araz("restore", tmp_path / "b.tar.gz", "--out", tmp_path / "again") == 0
    assert (tmp_path / "again" / RECORDS).exists()


def test_a_damaged_journal_is_not_copied_over_a_good_one_and_a_damaged_backup_is_named(killed, tmp_path, capsys):
    assert araz("restore", killed / "early.tar.gz", "--out", tmp_path / "bad") == 0
    segment = tmp_path / "bad" / "night.journal" / "00000001.seg"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    capsys.readouterr()
    assert araz("backup", tmp_path / "bad", "--to", tmp_path / "bad.tar.gz") == 2
    assert "Keep this folder" in capsys.readouterr().err
    assert not (tmp_path / "bad.tar.gz").exists()
    whole = (killed / "early.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert araz("restore", tmp_path / "cut.tar.gz", "--out", tmp_path / "cut") == 2
    assert "no whole backup" in capsys.readouterr().err
    assert list(itertools.islice(read_journal(killed / "station" / "night.journal"), 1))
