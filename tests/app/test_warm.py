"""`araz warm` compiles what a night needs, so that no officer waits for a compiler."""

import subprocess
import sys

# In a process of its own: the other tests have compiled kernels of their own.
NIGHT = """
import sys
from numba.core.dispatcher import Dispatcher
from araz.app._offline import warm_kernels
from araz.app._runtime import judge
from araz.store import read_journal

def compiled():
    return {
        f"{name}.{kernel}": len(value.signatures)
        for name, module in list(sys.modules.items()) if name.startswith("araz.")
        for kernel, value in vars(module).items() if isinstance(value, Dispatcher)
    }

warm_kernels()
warm = compiled()
assert any(count for name, count in warm.items() if name.startswith("araz.geography"))
assert any(count for name, count in warm.items() if name.startswith("araz.tracking"))
events = sum(len(said) for said in judge(read_journal(sys.argv[1])))
assert events > 100
assert compiled() == warm, {name for name, count in compiled().items() if count != warm.get(name)}
"""


def test_a_night_after_warming_compiles_nothing(root):
    journal = root / "tests" / "golden" / "f1-format1.journal.xz"
    done = subprocess.run([sys.executable, "-c", NIGHT, journal], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
