"""The tour is walked: every command in it is run, in order, and must end with 0."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def commands():
    text = (ROOT / "docs" / "tour.md").read_text()
    blocks = re.findall(r"```console\n(.*?)```", text, re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def test_the_tour_can_be_walked(tmp_path):
    # `araz` is this environment's, whatever else the machine has installed.
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "araz").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m araz.app.cli "$@"\n')
    (tools / "araz").chmod(0o755)
    (tmp_path / "out" / "tour").mkdir(parents=True)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    printed = {}
    assert len(commands()) >= 8
    for command in commands():
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed[command.split()[1]] = done.stdout
    assert '"type":"observation"' in printed["decode"]
    assert '"type":"rejected"' in printed["decode"]
    assert "measured" in printed["score"]
