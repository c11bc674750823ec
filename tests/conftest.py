"""What every test may ask for: the shelf of real recordings, the demo site, oracle environments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from araz_testing import missing

ROOT = Path(__file__).resolve().parent.parent

# No deadline: the machine is shared, and a test never judges wall time.
settings.register_profile("araz", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("araz")


@pytest.fixture(scope="session")
def shelf() -> Path:
    """Return the folder of real recordings, which lies beside the project on the builders' machines only."""
    path = ROOT.parent / "shared"
    if not (path / "README.md").exists():
        missing("the shelf of real recordings (../shared)")
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's root."""
    return ROOT


@pytest.fixture(scope="session")
def oracle_python():
    """Return a function (name, *requirements) -> python of a virtual environment of its own, made once.

    Peers that are GPL, or that overwrite a package we use, run there as separate processes.
    """

    def make(name: str, *requirements: str) -> Path:
        home = ROOT / "out" / "oracles" / name
        python = home / "bin" / "python"
        stamp = home / ".ready"
        if not stamp.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            done = subprocess.run(
                [str(python), "-m", "pip", "install", "-q", *requirements], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                missing(f"the oracle {name} (pip: {done.stderr[-300:]})")
            stamp.write_text("\n".join(requirements))
        return python

    return make


@pytest.fixture(scope="session")
def sapient_judge(oracle_python):
    """Return a function (frames) -> the content of each and the rules it breaks, by the other binding of SAPIENT."""
    python = oracle_python("sapient-msg", "sapient-msg")

    def call(frames: list[bytes]) -> list[dict]:
        command = [str(python), str(ROOT / "tests" / "support" / "sapient_judge.py")]
        lines = "\n".join(frame.hex() for frame in frames)
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return call
