"""A case: everything in it, nothing altered unseen, computed again to the last bit; openssl and a stranger judge."""

import gzip
import json
import random
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app import _case_tracks, cli, verify_case
from araz.app._aside import ACCESS_SOURCE
from araz.app._case_again import case_files, messages_of
from araz.app._case_render import MAP_HEIGHT, MAP_WIDTH, Block, on_paper, pdf_pages
from araz.app._case_report import _border
from araz.app._case_tracks import tracks_now
from araz.app._case_words import word
from araz.app._config import SITE_SOURCE, bundle_from_file, site_from_bundle
from araz.app._keys import head_signer, open_key
from araz.app._runtime import Night
from araz.evidence import CustodyRecord, ExhibitTaken, canonical_json, fingerprint, load_key, public_pem
from araz.store import HeadLog, Journal, erase, read_journal, verify_journal
from araz.store._segment import erased_bytes
from araz.vocabulary import Picture
from araz_testing import araz, text_of_pdf
from small_night import ALARM, START_US, keep_small_night, small_night


@pytest.fixture(scope="module")
def night(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("night")
    keep_small_night(root, out)
    return out


@pytest.fixture(scope="module")
def sealed(night):
    file = night / "case.zip"
    assert araz("case", "seal", ALARM, "--journal", night / "night.journal", "--out", file, "--by", "post-1") == 0
    return file


@pytest.fixture(scope="module")
def data(sealed):
    return sealed.read_bytes()


def test_everything_of_the_incident_is_in_it(sealed, data):
    files = case_files(data)
    assert zipfile.ZipFile(sealed).testzip() is None
    manifest = json.loads(files["manifest.json"])
    assert manifest["case"] == ALARM
    assert manifest["messages"] == 305  # one of them says by which software the night ran
    assert manifest["whole_night"]
    decisions = [json.loads(line) for line in files["decisions.jsonl"].splitlines()]
    assert [d["officer"] for d in decisions] == ["officer-1"]
    assert json.loads(files["reports.jsonl"].splitlines()[0])["report"]["reporter"] == "post-4"
    now = json.loads(files["tracks_now.json"])
    assert now
    assert now[0]["median_difference_m"] < 30
    against = json.loads(files["against.json"])
    silent = {s["sensor_id"] for s in against["sensors"] if not s["updated"] and s["in_range_s"] > 0}
    assert "radar-2" in silent  # it could have seen the drone, and never sent a word


@pytest.mark.parametrize("language", ["en", "az"])
def test_the_report_can_be_read_in_both_languages(data, language):
    files = case_files(data)
    page = files[f"report.{language}.html"].decode()
    title = {"en": "What speaks against", "az": "Əleyhinə olanlar"}[language]
    assert title in page
    assert "officer-1" in page
    assert "<script" not in page
    assert "http://" not in page
    assert files[f"report.{language}.pdf"].startswith(b"%PDF")
    assert title in text_of_pdf(files[f"report.{language}.pdf"])


def test_it_is_computed_again_to_the_last_bit(sealed, capsys):
    assert araz("case", "recompute", sealed) == 0
    assert capsys.readouterr().out.count("the same, bit for bit") == 2


def test_the_tracks_now_hear_the_messages_around_them_and_no_others(data, monkeypatch):
    """Against the whole night: what lies long before and after moves nothing; and it is not heard at all."""
    files = case_files(data)
    messages, pictures = list(messages_of(files)), gzip.decompress(files["tracks_then.jsonl.gz"]).splitlines()
    shown = [msgspec.json.decode(line, type=Picture) for line in pictures][40:50]
    names = json.loads(files["manifest.json"])["tracks"]
    whole = tracks_now(messages, names, shown)
    monkeypatch.setattr(_case_tracks, "WARM_UP_US", 35_000_000)
    monkeypatch.setattr(_case_tracks, "SETTLE_US", 40_000_000)
    part = tracks_now(messages, names, shown)
    first_us, last_us = shown[0].at_us - 35_000_000, shown[-1].at_us + 40_000_000
    near = [m for m in messages if m.source == SITE_SOURCE or first_us <= m.received_at_us <= last_us]
    assert len(near) < len(messages) - 50
    assert canonical_json(part) == canonical_json(tracks_now(near, names, shown))
    assert len(part) == len(whole) == 1
    for rows in (whole, part):
        assert rows[0]["median_difference_m"] < 30
    apart_m = {point["at_us"]: point for point in whole[0]["points"]}
    same = [(apart_m[p["at_us"]], p) for p in part[0]["points"] if abs(p["at_us"] - shown[5].at_us) < 5_000_000]
    assert len(same) > 5
    for a, b in same:
        north_m = abs(a["latitude_deg"] - b["latitude_deg"]) * 111_000
        assert north_m < 0.2 * a["ellipse_semi_major_m"] + 1.0


def test_a_stranger_checks_it_with_the_file_that_lies_in_it(sealed, data, night, tmp_path):
    """An isolated interpreter, so that nothing but the standard library can be used."""
    (tmp_path / "verify.py").write_bytes(case_files(data)["verify.py"])
    key = night / "keys" / "station.pub.pem"
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(sealed), "--key", str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything holds" in done.stdout
    assert load_key((night / "keys" / "station.pem").read_bytes())
    other = tmp_path / "other.pem"
    assert araz("case", "key", other) == 0
    command[-1] = str(other.with_suffix(".pub.pem"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "wrong signature" in done.stdout


def test_one_flipped_bit_anywhere_is_named(data):
    """At 40 places spread over all parts of the file, and its first and last bytes; bench/tamper.py does 10,000."""
    rng = random.Random(5)
    edges = [m.at + d for m in verify_case._by_directory(data) for d in (-1, 0)]
    places = [0, len(data) - 1, *rng.sample(edges, 20), *(rng.randrange(len(data)) for _ in range(20))]
    for place in places:
        altered = bytearray(data)
        altered[place] ^= 1 << rng.randrange(8)
        found, _ = verify_case.examine(bytes(altered))
        assert found, place
        assert place in {item.at for item in found}, (place, found)


@given(st.binary(max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_the_first_difference_is_found(begin, a, b):
    one, other = begin + a, begin + b
    right = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    assert verify_case._first_difference(one, other) == right


def resealed(data, change, night):
    """A case changed by somebody who holds the key: all sums and the signature are right."""
    from araz.app import _case_seal

    files = case_files(data)
    manifest = {k: v for k, v in json.loads(files["manifest.json"]).items() if k != "files"}
    listed = {n: d for n, d in files.items() if n not in (*verify_case.LOOSE, verify_case.SUMS, verify_case.BLOCKS)}
    change(listed)
    key = load_key((night / "keys" / "station.pem").read_bytes())
    return verify_case.container(_case_seal._signed(manifest, listed, key, None))


def test_a_message_taken_out_is_named_even_under_a_right_signature(data, night):
    entries, at, body = [], 0, case_files(data)["messages.bin"]
    while at < len(body):
        entry = verify_case.message_at(body, at)
        entries.append(body[at : entry.end])
        at = entry.end

    def without(files):
        files["messages.bin"] = b"".join(entries[:100] + entries[101:])

    def swapped(files):
        entry = bytearray(entries[100])
        entry[30] ^= 1
        files["messages.bin"] = b"".join([*entries[:100], bytes(entry), *entries[101:]])

    def shorter(files):
        files["messages.bin"] = b"".join(entries[:-1])

    for change, words in (
        (without, "message 100 is missing"),
        (swapped, "message 100"),
        (shorter, "message 304 is missing"),
    ):
        found, _ = verify_case.examine(resealed(data, change, night))
        assert any(words in item.sentence for item in found), found


def test_a_letter_that_is_no_hex_is_named(data):
    proof = next(member for member in verify_case._by_directory(data) if member.name == "proof.json")
    place = data.index(b'"root_hash":"', proof.at) + 20
    found, _ = verify_case.examine(data[:place] + b"g" + data[place + 1 :])
    assert place in {item.at for item in found}, found


def test_what_was_erased_is_counted_and_the_word_alone_does_not_make_it_so(data, night, tmp_path, capsys):
    entry = next(e for e in verify_case.entries_of(case_files(data)["messages.bin"]) if e.source == "radar-1")
    first = case_files(data)["messages.bin"].index(entry.text[-len(entry.payload) - 7 :]) - 26

    def erased(files):
        body = files["messages.bin"]
        gone = erased_bytes(body[first : entry.end])
        files["messages.bin"] = body[:first] + gone + body[entry.end :]

    def renamed(files):
        body = files["messages.bin"]
        files["messages.bin"] = body[: first + 26] + b"@erased" + body[first + 33 :]

    file = tmp_path / "erased.zip"
    file.write_bytes(resealed(data, erased, night))
    assert araz("case", "verify", file) == 0
    assert "1 of the messages" in capsys.readouterr().out
    found, _ = verify_case.examine(resealed(data, renamed, night))
    assert any("message 2 " in item.sentence for item in found), found


def test_a_run_that_claims_fewer_messages_does_not_stand_in_the_journal(data, night):
    def fewer(files):
        proof = json.loads(files["proof.json"])
        proof["runs"][0]["count"] -= 1
        files["proof.json"] = verify_case.json_bytes(proof)
        body, at = files["messages.bin"], 0
        while (entry := verify_case.message_at(body, at)).end < len(body):
            at = entry.end
        files["messages.bin"] = body[:at]

    found, _ = verify_case.examine(resealed(data, fewer, night))
    assert any("do not stand in the journal" in item.sentence for item in found)


def test_an_earlier_head_that_does_not_fit_is_named(data, night):
    assert json.loads(case_files(data)["heads.json"])

    def rewritten(files):
        heads = json.loads(files["heads.json"])
        heads[0]["head"]["root_hash"] = "00" * 32
        files["heads.json"] = verify_case.json_bytes(heads)

    def resigned(files):
        heads = json.loads(files["heads.json"])
        heads[0]["signed"][0]["by"] = "another"
        files["heads.json"] = verify_case.json_bytes(heads)

    for change, words in ((rewritten, "rewritten after"), (resigned, "wrong signature of 'another'")):
        found, _ = verify_case.examine(resealed(data, change, night))
        assert any(words in item.sentence for item in found), found


def test_a_case_of_the_span_alone_shows_no_other_messages(night, tmp_path, capsys):
    file = tmp_path / "span.zip"
    assert araz("case", "seal", ALARM, "--journal", night / "night.journal", "--out", file, "--span-only") == 0
    assert verify_case.examine(file.read_bytes())[0] == []
    assert araz("case", "recompute", file) == 0
    assert "holds the span alone" in capsys.readouterr().out


def test_messages_are_taken_when_no_head_can_be_written(root, tmp_path, caplog):
    night = Night(tmp_path)
    (tmp_path / "night.journal" / "heads.jsonl").mkdir()
    assert [message.seq for message in night.take(small_night(root, 2))] == [0, *range(2, 9)]
    night.close()
    assert "no head of the journal was written" in caplog.text
    assert verify_journal(tmp_path / "night.journal").entries == 9


def test_a_cell_taller_than_a_page_is_printed_on_two():
    text = " ".join(f"word{k}" for k in range(4000))
    paper = pdf_pages("t", "en", [Block("table", header=["", "said"], rows=[["A0001", text]])])
    assert paper.count(b"/Type /Page\n") > 1
    assert {f"word{k}" for k in range(4000)} <= set(text_of_pdf(paper).split())


def test_a_time_of_day_is_printed_in_one_piece():
    said = "T22027 was launched 3.7 km outside the line, within 1 min before it was first seen. " * 3
    rows = [
        ["23:08:23", "23:08:50", "launch", "90 %", said],
        ["23:14:39", "23:10:40", "crossing predicted", "51 %", said],
    ]
    page = pdf_pages("t", "en", [Block("table", header=["Time", "Known at", "Event", "Sure", "Said"], rows=rows)])
    text = text_of_pdf(page)
    assert [time in text for time in ("23:08:23", "23:08:50", "23:14:39", "23:10:40")] == [True] * 4


def test_the_line_on_the_map_ends_where_the_paper_does():
    line = [
        (-900.0, -900.0),
        (MAP_WIDTH / 2, MAP_HEIGHT / 2),
        (MAP_WIDTH + 700, 10.0),
        (MAP_WIDTH / 3, MAP_HEIGHT + 5000),
    ]
    pieces = on_paper(line)
    assert len(pieces) >= 1
    assert (MAP_WIDTH / 2, MAP_HEIGHT / 2) in pieces[0]
    for x, y in (point for piece in pieces for point in piece):
        assert -1e-6 <= x <= MAP_WIDTH + 1e-6
        assert -1e-6 <= y <= MAP_HEIGHT + 1e-6
    assert on_paper([(-9.0, -9.0), (-8.0, -9.0)]) == on_paper([]) == []


def test_an_unknown_incident_is_told_with_the_ids_there_are(night, tmp_path, capsys):
    assert araz("case", "seal", "I9999", "--journal", night / "night.journal", "--out", tmp_path / "x.zip") == 2
    assert ALARM in capsys.readouterr().err


def authority(folder: Path) -> Path:
    """A time-stamping authority on this machine: a root, a certificate for time-stamping, openssl's own answerer."""
    folder.mkdir()
    (folder / "ext").write_text("extendedKeyUsage=critical,timeStamping\n")
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(
        f"[tsa]\ndefault_tsa=here\n[here]\nserial={folder}/serial\nsigner_cert={folder}/tsa.crt\n"
        f"signer_key={folder}/tsa.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\n"
        "ess_cert_id_alg=sha256\n"
    )

    def run(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test root", "-days", "30")
    run("req", *curve, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test time")
    run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-out", "tsa.crt", "-days", "30",
        "-extfile", "ext")  # fmt: skip
    return folder / "tsa.cnf"


def test_the_time_stamp_of_a_local_authority(night, tmp_path, capsys):
    config, file = authority(tmp_path / "tsa"), tmp_path / "stamped.zip"
    words = ["case", "seal", ALARM, "--journal", night / "night.journal", "--out", file, "--tsa", f"openssl:{config}"]
    assert araz(*words) == 0
    root = tmp_path / "tsa" / "ca.crt"
    assert araz("case", "verify", file, "--tsa-ca", root) == 0
    assert araz("case", "verify", file) == 2  # the stamp could not be checked: said, not passed over
    other = authority(tmp_path / "other").parent / "ca.crt"
    assert araz("case", "verify", file, "--tsa-ca", other) == 1
    assert "wrong time-stamp" in capsys.readouterr().out


def test_the_public_key_is_the_stations(night, data):
    pem = (night / "keys" / "station.pem").read_bytes()
    assert public_pem(load_key(pem)).encode() == case_files(data)["signer.pem"]
    assert (night / "keys" / "station.pem").stat().st_mode & 0o077 == 0


def test_events_of_the_case_are_those_of_the_night(night, data, tmp_path):
    """The records in the case against the event log, which another writer made."""
    said = [json.loads(line) for line in (night / "events.jsonl").read_bytes().splitlines()]
    alarms = [item for item in said if item["type"] == "alarm" and item["alarm_id"] == ALARM]
    mine = [json.loads(line) for line in case_files(data)["alarms.jsonl"].splitlines()]
    assert [(a["revision"], a["sentence"]) for a in mine] == [(a["revision"], a["sentence"]) for a in alarms]


def test_custody_with_photographs_goes_into_the_case(night, tmp_path, capsys):
    log = tmp_path / "custody.journal"
    photo = tmp_path / "hook.jpg"
    photo.write_bytes(b"\xff\xd8 a photograph")
    for hand in ("post-4", "lab-2"):
        assert araz("case", "key", tmp_path / f"{hand}.pem") == 0
        key = ["--key", tmp_path / f"{hand}.pem", "--log", log]
        assert araz("custody", "hand", hand, "--service", "border service", *key) == 0
    mine = ["--by", "post-4", "--key", tmp_path / "post-4.pem", "--log", log, "--why", "found at the drop"]
    theirs = ["--by", "lab-2", "--key", tmp_path / "lab-2.pem", "--log", log, "--why", "examination"]
    words = ["--category", "drone", "--description", "hexacopter", "--seal", "B-7", "--photo", photo]
    assert araz("custody", "take", "E-1", *words, *mine) == 0
    assert araz("custody", "accept", "E-1", "--seal", "B-7", *theirs) == 2  # nobody offered it
    assert "both hands" in capsys.readouterr().err
    assert araz("custody", "offer", "E-1", "--to", "lab-2", *mine) == 0
    assert araz("custody", "accept", "E-1", "--seal", "B-7", *theirs) == 0
    capsys.readouterr()
    assert araz("custody", "list", "--log", log) == 0
    assert "E-1: held by lab-2" in capsys.readouterr().out
    file = tmp_path / "with.zip"
    words = [ALARM, "--journal", night / "night.journal", "--out", file, "--custody", log]
    assert araz("case", "seal", *words) == 0
    files = case_files(file.read_bytes())
    assert "hexacopter" in files["report.az.html"].decode()
    kept = [data for name, data in files.items() if name.startswith("exhibits/")]
    assert kept == [photo.read_bytes()]
    assert verify_case.examine(file.read_bytes())[0] == []


def test_a_record_nobody_signed_is_named_in_a_case_that_a_shut_key_seals(night, tmp_path, monkeypatch):
    monkeypatch.setenv("ARAZ_KEY_PASSWORD", "a password")
    log, key, file = tmp_path / "custody.journal", tmp_path / "post-4.pem", tmp_path / "case.zip"
    assert araz("case", "key", key) == 0
    assert b"ENCRYPTED" in key.read_bytes()
    assert araz("custody", "hand", "post-4", "--service", "border service", "--key", key, "--log", log) == 0
    forged = CustodyRecord(at_us=START_US * 2, who="post-4", exhibit="E-9", why="found",
                           what=ExhibitTaken(category="drone", description="put in"), signature="00")  # fmt: skip
    with Journal.open(log) as journal:
        journal.append([(forged.at_us, "@custody", canonical_json(forged))])
    words = ["case", "seal", ALARM, "--journal", night / "night.journal", "--out", file]
    assert araz(*words, "--key", key, "--custody", log) == 0
    files = case_files(file.read_bytes())
    assert "signature is not that of" in files["report.en.html"].decode()
    assert word("custody_words", "az") not in files["report.az.html"].decode()
    assert files["signer.pem"] == key.with_suffix(".pub.pem").read_bytes()
    assert araz(*words, "--custody", tmp_path / "misspelt.journal") == 2
    assert open_key(night / "keys" / "station.pem", "a password")  # that one is not shut, and needs none


def test_a_border_in_pieces_is_on_the_map(root):
    bundle = json.loads(bundle_from_file(root / "sites" / "horadiz" / "site.toml"))
    name = site_from_bundle(json.dumps(bundle).encode())[0].border
    line = json.loads(bundle["files"][name])["geometry"]["coordinates"]
    pieces = {"type": "MultiLineString", "coordinates": [line[:5], line[4:]]}
    bundle["files"][name] = json.dumps({"type": "Feature", "properties": {}, "geometry": pieces})
    _, place, _ = site_from_bundle(json.dumps(bundle).encode())
    assert np.allclose(_border(place), line, atol=1e-5)


def test_every_remedy_names_a_command_there_is(root):
    """What error messages and help tell people to type, against the command line itself."""
    told = set()
    for file in (root / "src" / "araz").rglob("*.py"):
        told |= set(re.findall(r"\baraz ((?:case|custody|account) [a-z]+)", file.read_text()))
    assert {"case key", "account add", "custody accept"} <= told
    assert [words for words in sorted(told) if cli.app.parse_commands(words.split())[0] != tuple(words.split())] == []


def test_nothing_derived_outlives_what_was_erased(tmp_path, capsys):
    place, words = tmp_path / "night.journal", ["--source", "reports", "--older-than-days", 0, "--by", "office"]
    with Journal.open(place) as journal:
        journal.append([(START_US, "reports", b"resident of house 7")])
    (tmp_path / "events.jsonl").write_text("plots")
    assert araz("erase", place, *words[:3], 100_000, *words[4:], "--reason", "order 12") == 0
    assert (tmp_path / "events.jsonl").exists()  # nothing was erased: nothing need go
    erase(place, lambda message: True, by="office", reason="order 12", at_us=START_US)
    (tmp_path / "records.sqlite").write_text("a crash came before it was removed")
    (tmp_path / "views" / "customs").mkdir(parents=True)
    (tmp_path / "views" / "customs" / "records.sqlite").write_text("what one service was told of it")
    assert araz("erase", place, *words, "--reason", "order 12") == 0
    assert not (tmp_path / "records.sqlite").exists()
    assert not (tmp_path / "events.jsonl").exists()
    assert not (tmp_path / "views").exists()
    wrong = tmp_path / "photographs"
    wrong.mkdir()
    assert araz("erase", wrong, *words, "--reason", "order 12") == 2
    assert list(wrong.iterdir()) == []


def test_the_other_service_witnesses_what_was_only_added_to(night, tmp_path, capsys):
    station, key = tmp_path / "station", tmp_path / "liaison.pem"
    shutil.copytree(night, station)
    journal = station / "night.journal"
    assert araz("case", "key", key) == 0
    words = ["case", "witness", journal, "--key", key, "--by", "liaison"]
    assert araz(*words) == 0
    assert araz("verify", journal) == 0
    file = tmp_path / "witnessed.zip"
    assert araz("case", "seal", ALARM, "--journal", journal, "--out", file) == 0
    capsys.readouterr()
    assert araz("case", "verify", file) == 0
    mine = fingerprint(key.with_suffix(".pub.pem").read_text())
    assert f"witnessed by 'liaison', key {mine}" in capsys.readouterr().out
    later = START_US + 3_600_000_000
    with Journal.open(journal) as writer:
        writer.append([(later, "radar-1", b"later")])
        HeadLog(journal, head_signer(station)).note(later)
    assert araz(*words) == 0  # it only grew
    rewritten = tmp_path / "rewritten"
    with Journal.open(rewritten) as writer:  # whoever holds the station's key can write it all anew
        writer.append([(m.received_at_us, m.source, m.payload) for m in read_journal(journal) if m.seq != 100])
        writer.append([(later, "radar-1", b"later still")])
        HeadLog(rewritten, head_signer(station)).note(later)
    capsys.readouterr()
    assert araz("verify", rewritten) == 0
    assert araz("case", "witness", rewritten, *words[3:]) == 1
    assert "not all in it unaltered" in capsys.readouterr().out


def test_who_read_what_is_in_the_journal_and_in_no_case(root, tmp_path, capsys):
    made, arrivals = Night(tmp_path), small_night(root)
    for first in range(0, len(arrivals), 40):
        made.take(arrivals[first : first + 40])
        made.take([(arrivals[first][0], ACCESS_SOURCE, b'{"account":"d-17"}')])
    made.close()
    file = tmp_path / "case.zip"
    assert araz("case", "seal", ALARM, "--journal", tmp_path / "night.journal", "--out", file) == 0
    assert {message.source for message in read_journal(tmp_path / "night.journal")} >= {ACCESS_SOURCE}
    messages = list(messages_of(case_files(file.read_bytes())))
    assert [m.source for m in messages if m.source.startswith("@")] == ["@site", "@software", "@tick"]
    assert len(messages) == len(arrivals) + 1
    assert araz("case", "verify", file) == 0
    assert araz("case", "recompute", file) == 0
    assert capsys.readouterr().out.count("the same, bit for bit.") == 2
