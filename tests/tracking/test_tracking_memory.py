"""Freed memory stays with the process once it was asked for: counted by the system's own page faults."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCANS = """
import resource
import sys

import numpy as np

from araz.tracking import keep_memory

assert sys.argv[1] == "as it is" or keep_memory()


def scan():
    for table in [np.empty(1 << 17) for _ in range(40)]:
        table[:] = 1.0


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


scan()
scan()
before = faults()
scan()
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the setting is the GNU C library's")
def test_kept_memory_is_not_asked_for_again():
    pages = 40 * (1 << 20) // 4096
    taken = {
        how: int(subprocess.run([sys.executable, "-c", SCANS, how], check=True, capture_output=True, text=True).stdout)
        for how in ("as it is", "kept")
    }
    assert taken["as it is"] > pages / 2  # else there would be nothing to win
    assert taken["kept"] < pages / 100
