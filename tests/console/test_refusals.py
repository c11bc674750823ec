"""Every refusal of the console is said from the catalogue: the source is read and held to its keys and their places."""

import ast
import re
from pathlib import Path

import pytest

from araz.vocabulary import MESSAGES
from spoken import english_in

SOURCE = Path(__file__).resolve().parents[2] / "src" / "araz"
TREES = {path.relative_to(SOURCE): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
CALLS = [(path, node) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Call)]
OURS = sorted(key for key in MESSAGES if key.startswith("refused."))


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def is_phrase(node):
    return isinstance(node, ast.Name) or (isinstance(node, ast.Call) and name_of(node) in ("phrase", "told_by"))


def words(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def places(key):
    """The places of a template; ``{What}`` is ``what`` with a capital letter."""
    return {name[0].lower() + name[1:] for name in re.findall(r"\{(\w+)\}", MESSAGES[key][0])}


def test_no_refusal_is_made_of_plain_words():
    """What is no key is a name that the type checker knows to be a phrase: ``Refused`` takes nothing else."""
    made = [(path, call) for path, call in CALLS if name_of(call) in ("Refused", "objection") and len(call.args) >= 3]
    assert len(made) > 40, "the pattern finds the refusals at all"
    plain = [f"{path}:{call.lineno}" for path, call in made if not all(map(is_phrase, call.args[-2:]))]
    assert plain == []
    bodies = [str(path) for path, call in CALLS if name_of(call) == "ErrorBody"]
    assert bodies == ["console/_errors.py"], "one function makes the body, from phrases"


def test_what_a_submission_needs_is_refused_by_keys_with_all_their_places():
    """``_need`` takes keys; those of ``phrase`` are held to the catalogue in tests/incidents/test_said.py."""
    needs = [call for _, call in CALLS if name_of(call) == "_need"]
    assert len(needs) > 12, "the pattern finds them at all"
    for call in needs:
        values = {one.arg for one in call.keywords}
        for key in map(words, call.args[1:]):
            assert places(key) <= values, f"line {call.lineno}: {key}"


def test_each_key_of_a_refusal_is_used():
    source = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if not path.name.startswith("_messages"))
    unused = [key for key in OURS if f'"{key}"' not in source and not key.startswith("refused.state-")]
    assert unused == []


@pytest.mark.parametrize("key", OURS)
def test_each_refusal_is_said_in_azerbaijani(key):
    english, azerbaijani = MESSAGES[key]
    assert english_in(re.sub(r"\{\w+\}", " ", azerbaijani)) == set()
    assert english != azerbaijani
