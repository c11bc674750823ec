"""Python shown in the README and in the library page is run, each page's blocks in one namespace."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


def run(page):
    names = {}
    for block in blocks(page):
        exec(compile(block, page, "exec"), names)
    return names


def test_the_ten_lines_of_the_readme_find_the_drone(capsys):
    (block,) = blocks("README.md")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    names = run("README.md")
    tracks, last = names["tracks"], names["last"]
    assert last.sum() == 1
    assert np.linalg.norm(tracks.position_enu_m[last][0] - [885, 1200, 120]) < 30
    assert np.linalg.norm(tracks.velocity_enu_mps[last][0] - [15, 300 / 59, 0]) < 4
    assert capsys.readouterr().out


def test_the_library_page_finds_both_targets_in_both_ways():
    names = run("docs/tracking-library.md")
    for tracks in (names["tracks"], names["seen"]):
        last = tracks.position_enu_m[tracks.time_s == 78]
        assert len(last) == 2
        assert np.linalg.norm(last[:, None] - names["lanes"][-1], axis=2).min(axis=0).max() < 30
