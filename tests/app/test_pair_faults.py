"""Two nodes and an arbiter that fails as networks do: what one node acknowledged, whoever leads next has."""

import contextlib
import random
import threading
import time

import pytest

from araz.app import _pair, _pair_follower, _pair_leader
from araz.app._pair_file import Node, Sides
from araz.app._pair_leader import Fenced
from araz.app._rim import free_port
from araz.store import ArbiterError, Journal, Stand, read_raw, verify_journal

pytestmark = pytest.mark.timeout(600)
START_US = 1_790_000_000_000_000


class Row:
    """The arbiter's one row. It is out of reach now and then, and an answer may be lost after the change was made."""

    def __init__(self, dice):
        self.dice, self.now, self.lock, self.is_down = dice, None, threading.Lock(), False
        self.leaders = []

    def read(self):
        if self.is_down or self.dice.random() < 0.1:
            raise ArbiterError("lost on the way there")
        return self.now

    def change(self, before, leader, is_alone, next_seq, hash_hex):
        if self.is_down or self.dice.random() < 0.1:
            raise ArbiterError("lost on the way there")
        with self.lock:
            if self.now != before:
                return None
            self.now = Stand(1 if before is None else before.turn + 1, leader, is_alone, next_seq, hash_hex)
            self.leaders.append(leader)
            made = self.now
        if self.dice.random() < 0.15:
            raise ArbiterError("lost on the way back")
        return made

    def close(self):
        """It outlives the nodes."""


class Plain:
    """A night that only keeps its journal."""

    def __init__(self, folder):
        self.journal, self.state, self.confirm = Journal.open(folder), None, lambda _: None

    def act(self, messages):
        self.state = messages

    def take(self, payloads):
        messages = self.journal.append([(START_US, "radar", one) for one in payloads])
        self.confirm(self.journal.next_seq)
        return messages


class Node2:
    """One node that is killed and started; while it leads it takes entries and notes what it acknowledged."""

    def __init__(self, sides, folder, acknowledged):
        self.sides, self.folder, self.acknowledged = sides, folder, acknowledged
        self.count, self.pair, self.thread = 0, None, None
        self.said = []

    def start(self):
        self.night = Plain(self.folder)
        self.pair = _pair.Pair(self.sides, None, self.night, self.said.append)
        self.is_killed = False
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def live(self):
        with contextlib.suppress(Fenced, OSError, ValueError, StopIteration):
            while not self.pair._begun():
                if self.is_killed:
                    return
                time.sleep(0.01)
            if not self.pair.is_leading:
                threading.Thread(target=self.pair._hear, daemon=True).start()
            while not self.pair.is_leading:
                if self.is_killed:
                    return
                self.pair._next()
            while not self.is_killed:
                self.count += 1
                payloads = [f"{self.sides.own.id} {self.count} {k}".encode() for k in range(3)]
                for message in self.night.take(payloads):
                    self.acknowledged[message.seq] = message.payload
                time.sleep(0.002)

    def kill(self):
        self.is_killed = True
        self.pair.close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.pair.close()
        self.night.journal.close()


def took_over(row, nodes, until):
    """Kill who leads once the other may lead; False where it led alone again at that very moment."""
    until(lambda: not row.now.is_alone)
    before, end = row.now.leader, time.monotonic() + 3
    killed = next(node for node in nodes if node.sides.own.id == before)
    killed.kill()
    while row.now.leader == before and time.monotonic() < end:
        time.sleep(0.02)
    killed.start()
    return row.now.leader != before


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_acknowledged_the_next_leader_has(seed, tmp_path, monkeypatch):
    for module, name, value in (
        (_pair_leader, "BEAT_S", 0.02), (_pair_leader, "FOLLOWER_SILENCE_S", 0.15), (_pair_leader, "ASK_AGAIN_S", 0.1),
        (_pair_follower, "LEADER_SILENCE_S", 0.1), (_pair_follower, "CALL_S", 0.05),
        (_pair, "GRACE_S", 0.05), (_pair, "PAUSE_S", 0.01),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    dice = random.Random(seed)
    row = Row(dice)
    monkeypatch.setattr(_pair, "Arbiter", lambda url, name: row)
    ends = [Node(id=one, listens=f"127.0.0.1:{free_port()}", console="http://x") for one in "ab"]
    acknowledged = {}
    nodes = [
        Node2(Sides("p", "", own, other), tmp_path / own.id, acknowledged) for own, other in (ends, reversed(ends))
    ]
    kept, up = {}, set()
    for _ in range(25):
        node = dice.choice(nodes)
        if node in up and (dice.random() < 0.7 or len(up) == 2):
            node.kill()
            up.discard(node)
        elif node not in up:
            node.start()
            up.add(node)
        row.is_down = dice.random() < 0.15
        time.sleep(dice.uniform(0.05, 0.5))
        for one in list(up):  # fenced, as its supervisor would start it again
            if not one.thread.is_alive():
                one.kill()
                one.start()
        for seq, payload in list(acknowledged.items()):
            assert kept.setdefault(seq, payload) == payload, "two nodes acknowledged different entries at one place"
    row.is_down = False
    for node in nodes:
        if node not in up:
            node.start()

    def until(reached):
        end = time.monotonic() + 120
        while not reached():
            assert time.monotonic() < end, [one.said[-3:] for one in nodes]
            time.sleep(0.05)
            for one in nodes:
                if not one.thread.is_alive():
                    one.kill()
                    one.start()

    def goes_on_with_the_other():
        until(lambda: took_over(row, nodes, until))
        count = len(acknowledged)
        until(lambda: len(acknowledged) > count)

    for _ in range(2):  # whatever came before, each can take over from the other
        goes_on_with_the_other()
    for node in nodes:
        node.kill()
    leader = next(node for node in nodes if node.sides.own.id == row.now.leader)
    assert verify_journal(leader.folder).ok
    chain = {entry.message.seq: entry.message.payload for entry in read_raw(leader.folder)}
    assert {seq: chain.get(seq) for seq in acknowledged} == acknowledged
    assert len(acknowledged) > 100
    assert len(set(row.leaders)) == 2, "both led"
