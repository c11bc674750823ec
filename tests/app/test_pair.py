"""Two nodes as people start them: one is killed under load, the other goes on, nothing acknowledged is lost."""

import json
import signal
import threading
import urllib.error

import pytest

from araz.store import Arbiter, ArbiterError, read_journal, read_raw, verify_journal
from araz_postgresql import Postgres
from araz_programs import Nodes, eventually, is_paired, is_ready
from araz_testing import araz, missing

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def arbiter():
    with Postgres() as server:
        yield server


@pytest.fixture
def nodes(root, tmp_path, arbiter):
    if not (root / "src" / "araz" / "console" / "static" / "index.html").exists():
        missing("the built map (make ui)")
    with Nodes(root, tmp_path, arbiter.fresh("pair")) as made:
        yield made


def chain(node):
    return [entry.hash for entry in read_raw(node.folder / "night.journal")]


def test_the_leader_is_killed_under_load_and_the_other_goes_on(nodes):
    a, b = nodes.a, nodes.b
    a.start()
    eventually(lambda: is_ready(a))
    b.start()
    nodes.sender.start()
    eventually(lambda: is_paired(a))
    assert not is_ready(b)
    with pytest.raises(urllib.error.HTTPError, match="503"):  # who follows decides nothing
        b.post("/api/reports", {"kind": "heard", "reporter": "p", "report_id": "x", "observed_at_us": 1})
    acknowledged, killer = {}, threading.Timer(0.05, a.end)
    for number in range(10_000):
        if number >= 8 and not killer.is_alive() and is_paired(a):
            killer.start()  # while the next one, or a later one, is on its way
        seq = a.report(number)
        if seq is None:
            break
        acknowledged[f"r{number}".encode()] = seq
    killer.join()
    eventually(lambda: is_ready(b))
    assert len(acknowledged) >= 8
    seen = json.loads(b.get("/api/health"))
    acknowledged[b"after"] = eventually(lambda: b.report("after"))
    eventually(lambda: json.loads(b.get("/api/health")) != seen)  # its own feeds bring plots

    # The one that was killed follows, its unacknowledged end set aside, and takes over in its turn.
    a.start()
    eventually(lambda: is_paired(b))
    acknowledged[b"both"] = last = eventually(lambda: b.report("both"))
    b.end(signal.SIGKILL)
    eventually(lambda: is_ready(a))
    acknowledged[b"again"] = eventually(lambda: a.report("again"))
    a.end(signal.SIGTERM)
    journal = a.folder / "night.journal"
    assert verify_journal(journal).ok
    kept = {message.seq: message.payload for message in read_journal(journal)}
    assert [name for name, seq in acknowledged.items() if name not in kept.get(seq, b"")] == []
    ours, theirs = chain(a), chain(b)
    assert ours[: last + 1] == theirs[: last + 1]  # what b wrote after that, nobody acknowledged


def pair_file(folder, arbiter, **changes):
    nodes = [{"id": one, "listens": f"127.0.0.1:743{k}", "console": f"http://127.0.0.1:847{k}"} for k, one in
             enumerate("ab")]  # fmt: skip
    nodes[0] |= changes
    text = f'name = "p"\narbiter = "{arbiter}"\n' + "".join(
        "[[nodes]]\n" + "".join(f'{key} = "{value}"\n' for key, value in node.items()) for node in nodes
    )
    (folder / "pair.toml").write_text(text)
    return folder / "pair.toml"


def test_the_doctor_says_who_leads(tmp_path, arbiter, capsys):
    url = arbiter.fresh("pair")
    words = ("doctor", "--out", tmp_path, "--pair", pair_file(tmp_path, url))
    with Arbiter(url, "p") as row:
        for change, said in ((None, "nobody led p yet"), (True, "a leads alone"), (False, "the other one has all")):
            if change is not None:
                row.change(row.read(), "a", change, 7, "ff")
            araz(*words)
            assert said in capsys.readouterr().out
    araz(*words[:-1], pair_file(tmp_path, "postgresql://araz@127.0.0.1:1/x"))
    assert "the arbiter does not answer" in capsys.readouterr().out


def test_of_two_changes_at_once_one_is_refused(arbiter):
    url = arbiter.fresh("pair")
    with Arbiter(url, "p") as one, Arbiter(url, "p") as other, Arbiter(url, "q") as stranger:
        assert one.read() is None
        first = one.change(None, "a", True, 0, "")
        assert other.change(None, "b", True, 0, "") is None
        assert other.read() == first
        second = other.change(first, "b", True, 5, "aa")
        assert one.change(first, "a", False, 5, "aa") is None
        assert one.read() == second
        assert stranger.read() is None


def test_an_arbiter_that_refuses_is_one_that_does_not_answer(arbiter):
    url = arbiter.fresh("pair").replace("/pair", "/nothing")
    with Arbiter(url, "p") as row:
        with pytest.raises(ArbiterError, match="does not exist"):
            row.read()
        with pytest.raises(ArbiterError, match="does not exist"):
            row.change(None, "a", True, 0, "")


@pytest.mark.parametrize(
    ("changes", "node", "cause"),
    [
        ({}, "c", "no node 'c'; give --node a or b"),
        ({"id": "b"}, "a", "ids of their own"),
        ({"listens": "7430"}, "a", "is not as for example"),
        ({"console": "10.0.0.5"}, "a", "is not as for example"),
        ({"colour": "red"}, "a", "unknown field"),
        ({"listens": "10.0.0.5:7430"}, "a", "give --keys"),
    ],
)
def test_a_wrong_file_says_what_to_do(tmp_path, capsys, changes, node, cause):
    file = pair_file(tmp_path, "postgresql://araz@127.0.0.1:1/x", **changes)
    assert araz("watch", "--pair", file, "--node", node, "--out", tmp_path / "out") == 2
    assert cause in capsys.readouterr().err
