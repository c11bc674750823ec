"""The command line, as a person uses it: judged by what it prints, leaves behind and returns.

One test starts a process of its own; the others call the same entry point in this one, which saves the start-up time.
"""

import json
import subprocess
import sys

import pytest

from araz.app.cli import main


@pytest.fixture
def araz(capfdbinary, monkeypatch):
    """Return a function: arguments, cwd, expected status -> what was printed (standard output, or the error)."""

    def call(*arguments, cwd, code=0):
        monkeypatch.chdir(cwd)
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as end:
            main(list(map(str, arguments)))
        printed = capfdbinary.readouterr()
        assert end.value.code == code, printed.err.decode()
        return printed.err if code == 2 else printed.out

    return call


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A short scenario, simulated once."""
    home = tmp_path_factory.mktemp("night")
    command = [sys.executable, "-m", "araz.app.cli", "simulate", "F1", "--seed", "3", "--out", "f1"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "messages" in done.stdout
    return home


def test_simulate_is_repeatable_and_seeds_differ(araz, simulated, tmp_path):
    araz("simulate", "F1", "--seed", "3", "--out", "again", cwd=tmp_path)
    araz("simulate", "F1", "--seed", "4", "--out", "other", cwd=tmp_path)
    first = (simulated / "f1" / "night.journal" / "00000001.seg").read_bytes()
    assert (tmp_path / "again" / "night.journal" / "00000001.seg").read_bytes() == first
    assert (tmp_path / "other" / "night.journal" / "00000001.seg").read_bytes() != first
    assert (tmp_path / "again" / "truth.jsonl").read_bytes() == (simulated / "f1" / "truth.jsonl").read_bytes()


def test_run_and_replay_give_the_same_bytes(araz, simulated):
    araz("run", "f1/night.journal", "--out", "ran", cwd=simulated)
    events = (simulated / "ran" / "events.jsonl").read_bytes()
    assert events.count(b"\n") > 100
    assert araz("replay", "ran/night.journal", cwd=simulated) == events
    araz("replay", "ran/night.journal", "--out", "replayed.jsonl", cwd=simulated)
    assert (simulated / "replayed.jsonl").read_bytes() == events


def test_verify_names_the_altered_entry(araz, simulated, tmp_path):
    assert b"entries" in araz("verify", simulated / "f1" / "night.journal", cwd=tmp_path)
    segment = bytearray((simulated / "f1" / "night.journal" / "00000001.seg").read_bytes())
    segment[len(segment) // 2] ^= 1
    broken = tmp_path / "broken.journal"
    broken.mkdir()
    (broken / "00000001.seg").write_bytes(segment)
    araz("verify", broken, cwd=tmp_path, code=1)


def test_score_judges_a_simulated_night_by_itself(araz, simulated):
    board = json.loads(araz("score", "f1", "--truth", "f1/truth.jsonl", "--json", cwd=simulated))
    assert isinstance(board, dict)
    assert b"measured" in araz("score", "f1", cwd=simulated)


def test_a_trial_document_is_written_and_scored(araz, simulated, tmp_path):
    if not (simulated / "ran").exists():  # the test above leaves it there
        araz("run", "f1/night.journal", "--out", "ran", cwd=simulated)
    araz("export", "ran", "--format", "courageous", "--out", "trial.json", cwd=simulated)
    truth = ("--truth", "f1/truth.jsonl", "--json")
    own = json.loads(araz("score", "ran", *truth, cwd=simulated))
    told = json.loads(araz("score", "ran", "--courageous", "trial.json", *truth, cwd=simulated))
    assert told["detection_per_second"] == own["detection_per_second"]
    assert told["position_cep50_m"] == pytest.approx(own["position_cep50_m"], abs=0.5)
    assert told["altitude_error_p50_m"] is not None
    assert (told["ellipse_coverage"], told["drop_recall"]["share"]) == (None, None)
    (tmp_path / "events.jsonl").write_bytes((simulated / "ran" / "events.jsonl").read_bytes())
    assert b"night.journal" in araz("export", tmp_path, "--format", "courageous", cwd=tmp_path, code=2)
    assert b"COURAGEOUS" in araz("score", "ran", "--courageous", "f1/truth.jsonl", *truth, cwd=simulated, code=2)
    assert b"nowhere.json" in araz("score", "ran", "--courageous", "nowhere.json", *truth, cwd=simulated, code=2)


@pytest.mark.parametrize("format", ["asterix", "remote-id", "sapient", "sbs", "beast", "raw"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"\xff" * 3000, bytes(range(256)) * 20, b"MSG,3,junk\n*8d;\n"])
def test_decode_ends_with_0_on_any_bytes(araz, tmp_path, format, content):
    (tmp_path / "file").write_bytes(content)
    for line in araz("decode", "file", "--format", format, cwd=tmp_path).splitlines():
        assert json.loads(line)["type"] in ("observation", "rejected", "sensor-report", "scan-mark")


def test_decode_reads_the_real_drone(araz, shelf, tmp_path):
    capture = shelf / "data" / "remote_id" / "parrot_anafi4_real.pcapng"
    records = [json.loads(line) for line in araz("decode", capture, "--format", "remote-id", cwd=tmp_path).splitlines()]
    located = [r for r in records if r["type"] == "observation" and r["measurement"] is not None]
    assert len(located) == 1140
    assert {r["measurement"]["altitude_hae_m"] for r in located} == {None}
    identities = {r["claim"]["identity"] for r in located if not r["claim"]["identity"].startswith("mac:")}
    assert len(identities) == 1
    assert next(iter(identities)) == "1588E040445AC004418"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run"], "name at least one recording"),
        (["run", "nowhere.pcap"], "nowhere.pcap"),
        (["decode", "nowhere", "--format", "sbs"], "nowhere"),
        (["replay", "nowhere.journal"], "nowhere"),
        (["simulate", "Z9"], "Z9"),
        (["score", "nowhere"], "truth"),
        (["watch", "--site", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_an_error_is_one_sentence_with_the_cause(araz, tmp_path, arguments, word):
    said = araz(*arguments, cwd=tmp_path, code=2).decode()
    assert word in said
    assert "Traceback" not in said


def test_examples_keep_their_lines_and_a_closed_pipe_is_no_error(tmp_path):
    command = [sys.executable, "-m", "araz.app.cli"]
    told = subprocess.run([*command, "run", "--help"], capture_output=True, text=True, check=True).stdout
    assert "\n         araz run radar-1=plots.pcap" in told
    big = tmp_path / "big.csv"
    big.write_bytes(b"MSG,3,junk\n" * 60_000)
    reading = [*command, "decode", str(big), "--format", "sbs"]
    with subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as decode:
        assert decode.stdout.readline()
        decode.stdout.close()
        assert decode.stderr.read() == b""
    assert decode.returncode == 0


def test_every_command_shows_an_example(araz, tmp_path):
    for verb in ("demo", "watch", "run", "decode", "replay", "verify", "simulate", "score", "report"):
        assert b"Example" in araz(verb, "--help", cwd=tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(araz, tmp_path):
    (tmp_path / "file").write_text("")
    said = araz("simulate", "F1", "--out", "file/night", cwd=tmp_path, code=2).decode()
    assert "file/night cannot be: a part of it is a file" in said
    assert "name another" in said
    assert "Errno" not in said
    said = araz("simulate", "F1", "--out", "/proc/night", cwd=tmp_path, code=2).decode()
    assert said == "araz: /proc/night is not there and cannot be made there; check the name\n"
