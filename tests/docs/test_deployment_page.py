"""The page on deployment runs, and names files that exist."""

import re

from test_python_blocks import ROOT, run


def test_the_block_prints_a_certificate(capsys):
    names = run("docs/deployment.md")
    text = capsys.readouterr().out
    assert "Guarantee" in text
    assert "Next money" in text
    assert names["plan"].closed


def test_every_file_it_names_is_there():
    page = (ROOT / "docs" / "deployment.md").read_text()
    for name in set(re.findall(r"`(_\w+\.py)`", page)):
        assert (ROOT / "src" / "araz" / "deployment" / name).exists(), name
