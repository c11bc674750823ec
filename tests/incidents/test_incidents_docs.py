"""The weight table people read is the one the code uses."""

from __future__ import annotations

from araz.incidents import weights_markdown
from araz.vocabulary import IncidentKind


def test_the_weight_table_is_the_code(root):
    page = (root / "docs" / "alarms.md").read_text()
    shown = page.split("<!-- weights -->\n")[1].split("<!-- /weights -->")[0]
    assert shown == weights_markdown(), "regenerate: paste weights_markdown() between the marks in docs/alarms.md"


def test_every_kind_of_incident_is_explained(root):
    page = (root / "docs" / "incidents.md").read_text()
    for kind in IncidentKind:
        assert f"`{kind.value}`" in page, kind
