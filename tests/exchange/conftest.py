"""The judges of what Araz writes for others: programs in an environment of their own."""

import json
import subprocess
from pathlib import Path

import pytest

JUDGES = ("pymisp==2.5.34.4", "uas-standards==4.4.0", "jsonschema>=4.20,<5")


@pytest.fixture(scope="session")
def judge(oracle_python, tmp_path_factory):
    """Return a function (kind, content) -> what the independent programs say."""
    python = oracle_python("exchange", *JUDGES)
    home = tmp_path_factory.mktemp("judged")

    def call(kind, content):
        path = home / f"{kind}.json"
        path.write_bytes(content)
        command = [str(python), str(Path(__file__).with_name("judge.py")), kind, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call
