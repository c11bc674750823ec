"""What people did at one node is at the other when that takes over: who read what, custody, register, sessions."""

import contextlib
import hashlib
import json
import signal

import httpx
import pytest

from araz.app._aside import ACCESS_SOURCE
from araz.app._office import read_custody
from araz.app._register import Book
from araz.evidence import custody_of
from araz.store import Register, read_journal, verify_journal
from araz.vocabulary import SeizureRevision
from araz_postgresql import Postgres
from araz_programs import Nodes, door, entrance, eventually, is_ready
from araz_testing import araz, missing

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def nodes(root, tmp_path):
    if not (root / "src" / "araz" / "console" / "static" / "index.html").exists():
        missing("the built map (make ui)")
    words = entrance(tmp_path, d_17="officer", c_1="commander")
    with (
        Postgres() as arbiter,
        Nodes(root, tmp_path, arbiter.fresh("pair"), *words) as made,
    ):
        yield made


def browser(node):
    return httpx.Client(base_url=node.url, verify=False, timeout=60)


def signed_in(node, account="d-17"):
    client = browser(node)
    said = client.post("/api/session", json=door(account, "case 17"))
    assert said.status_code == 201, said.text
    return client


def custody(node, *words, status=0):
    assert araz("custody", *words, "--log", node.folder / "custody.journal", "--why", "at the drop") == status


def change(register, revision):
    """One revision of a seizure, as the register's commands write it."""
    with Book(register) as book:
        book._record([SeizureRevision(seizure_id="s-1", revision=revision, changed_at_us=1, changed_by="analyst",
                                      reason="entered twice", batch_id="", source_row=None, record=None)])  # fmt: skip


def history(register):
    with Register.open(register) as book:
        return [(one.seizure_id, one.revision) for one in book.revisions()]


def do_everything(a, b, client, folder, key):
    """Read, seize, register and sign out at the node that leads; the other one refuses."""
    assert client.get("/api/alarms").status_code == 200
    words = ("take", "E-1", "--category", "drone", "--description", "hexacopter", "--photo", folder / "hook.jpg")
    custody(a, *words, *key)
    for revision in (0, 1):
        change(a.folder / "register.sqlite", revision)
    with pytest.raises(ValueError, match="somebody changed the seizure s-1 meanwhile"):
        change(a.folder / "register.sqlite", 1)
    custody(a, *words, *key, status=2)
    custody(b, *words, *key, status=2)
    with browser(b) as stranger:  # it could not say so in the log that both have
        assert stranger.post("/api/session", json=door("d-17")).status_code == 503


def test_all_of_it_is_there_when_the_leader_is_gone(nodes, tmp_path, capsys):
    a, b = nodes.a, nodes.b
    photo, key = tmp_path / "hook.jpg", ["--by", "post-4", "--key", tmp_path / "post-4.pem"]
    photo.write_bytes(b"\xff\xd8 a photograph" * 1000)
    assert araz("case", "key", tmp_path / "post-4.pem") == 0
    custody(a, "hand", "post-4", "--service", "border", *key[2:])  # no station runs: it lies in a's folder alone
    a.start()
    eventually(lambda: is_ready(a))
    b.start()
    client, ended = signed_in(a), signed_in(a)
    with contextlib.closing(signed_in(a, "c-1")) as commander:
        eventually(lambda: "araz_paired 1" in commander.get("/metrics").text)
    capsys.readouterr()
    do_everything(a, b, client, tmp_path, key)
    said = capsys.readouterr().err
    assert "'E-1' is taken" in said
    assert "this node follows node a; give the command there" in said
    ticket = client.post("/api/session/ticket").json()["ticket"]
    assert ended.delete("/api/session").status_code == 200
    client.close()
    ended.close()
    a.end(signal.SIGKILL)
    eventually(lambda: is_ready(b))

    # The cookie holds there where both have one name; the ticket, once, where they have two.
    with browser(b) as one, browser(b) as other, browser(b) as third, browser(b) as gone:
        one.cookies.update(dict(client.cookies))
        assert one.get("/api/session").json()["purpose"] == "case 17"
        assert one.get("/api/alarms").status_code == 200
        assert other.post("/api/signin/ticket", json={"ticket": ticket}).status_code == 201
        assert other.get("/api/alarms").status_code == 200
        assert third.post("/api/signin/ticket", json={"ticket": ticket}).status_code == 401
        assert third.get("/api/alarms").status_code == 401
        gone.cookies.update(dict(ended.cookies))
        assert gone.get("/api/alarms").status_code == 401
        assert other.delete("/api/session").status_code == 200
        assert other.get("/api/session").status_code == 401

    journal = list(read_journal(b.folder / "night.journal"))
    access = [json.loads(message.payload) for message in journal if message.source == ACCESS_SOURCE]
    read = [(one["account"], one["what"], one["purpose"]) for one in access if one["is_granted"]]
    assert read.count(("d-17", "GET /api/alarms", "case 17")) == 3
    assert read.count(("d-17", "sign-in by ticket", "case 17")) == 1
    secrets = [ticket.encode(), *(value.encode() for value in client.cookies.values())]
    assert not any(secret in message.payload for secret in secrets for message in journal)
    records = read_custody(b.folder / "custody.journal")
    state, objections = custody_of(records)
    assert (objections, [record.exhibit for record in records]) == ([], ["", "E-1"])
    assert state.exhibits["E-1"].holder == "post-4"
    kept = b.folder / "photographs" / hashlib.sha256(photo.read_bytes()).hexdigest()
    assert kept.read_bytes() == photo.read_bytes()
    assert history(b.folder / "register.sqlite") == history(a.folder / "register.sqlite") == [("s-1", 0), ("s-1", 1)]

    # The new leader goes on with it, and the old one gets that too when it is back.
    custody(b, "photograph", "E-1", "--photo", tmp_path / "pair.toml", *key)
    a.start()
    eventually(lambda: len(read_custody(a.folder / "custody.journal")) == 3)
    chains = [[one.payload for one in read_journal(node.folder / "custody.journal")] for node in (a, b)]
    assert chains[0] == chains[1]
    b.end(signal.SIGTERM)
    assert verify_journal(b.folder / "night.journal").ok
