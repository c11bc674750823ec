"""An old journal is still read, and still tells the same story."""

import importlib.util
from pathlib import Path

from araz.store import read_journal, verify_journal

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: Hash of the last entry, as it was when the journal was made: its bytes may never change.
HEAD = "8a45215aec543ba5e19950a3b8c91ecc8ddb8d8baf657cdd5856527c298a1710"


def golden():
    spec = importlib.util.spec_from_file_location("golden_tool", ROOT / "tools" / "golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_format_is_still_read():
    result = verify_journal(golden().JOURNAL)
    assert result.ok, result.sentence
    assert result.head_hash_hex == HEAD
    assert sum(1 for _ in read_journal(golden().JOURNAL)) == result.entries


def test_the_story_is_the_same():
    tool = golden()
    told, expected = tool.story(tool.JOURNAL), tool.STORY.read_text().splitlines()
    assert told == expected, "the story changed: if it is meant to, run `make golden` and look at the diff"
