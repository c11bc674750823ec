"""Kill -9 at any instant: no acknowledged message is lost, the chain holds, writing goes on."""

import os
import random
import signal
import subprocess
import sys

from araz.store import Journal, read_journal, verify_journal

WRITER = """
import os, sys
from araz.store import Journal
journal = Journal.open(sys.argv[1], segment_bytes=20_000)
if journal.recovered:
    os.write(2, journal.recovered.encode())
while True:
    batch = [(n, "radar", b"%d" % n * (n % 50)) for n in range(journal.next_seq, journal.next_seq + 7)]
    os.write(1, b"%d\\n" % journal.append(batch)[-1].seq)
"""


def expected_payload(seq):
    return b"%d" % seq * (seq % 50)


def test_kill_at_random_instants(tmp_path):
    """ARAZ_KILLS sets how often; each instant is a random number of acknowledgements and a random spin after them."""
    dice = random.Random(7)
    directory, acknowledged = tmp_path / "night.journal", -1
    for _ in range(int(os.environ.get("ARAZ_KILLS", "20"))):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(dice.randrange(1, 40)):
            acknowledged = int(writer.stdout.readline())
        for _ in range(dice.randrange(30_000)):
            pass
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")[:-1]
        writer.stdout.close()
        writer.wait()
        acknowledged = int(rest[-1]) if rest else acknowledged
        messages = list(read_journal(directory))
        assert len(messages) > acknowledged
        assert [m.seq for m in messages] == list(range(len(messages)))
        assert all(m.payload == expected_payload(m.seq) for m in messages)
    with Journal.open(directory) as journal:
        journal.append([(1, "radar", b"the night goes on")])
    result = verify_journal(directory)
    assert result.ok, result.sentence
    assert result.entries > acknowledged + 1
