"""The browser's types are those of the vocabulary."""

import importlib.util

import msgspec
import pytest

from araz import vocabulary


@pytest.fixture
def tool(root):
    spec = importlib.util.spec_from_file_location("browser_types", root / "tools" / "browser_types.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_types_are_fresh(tool):
    assert tool.TARGET.read_text(encoding="utf-8") == tool.typescript(), "run: python tools/browser_types.py"


def test_every_field_of_every_record_is_there(tool):
    text = tool.typescript()
    for record in (vocabulary.Track, vocabulary.Alarm, vocabulary.Incident, vocabulary.SensorHealth):
        block = text.split(f"export interface {record.__name__} {{")[1].split("\n}")[0]
        for field in msgspec.structs.fields(record):
            assert f"\n  {field.encode_name}: " in block


def test_what_may_be_unknown_must_be_asked_for(tool):
    text = tool.typescript()
    assert "altitude_agl_m: number | null;" in text
    assert "  latitude_deg: number;" in text
    assert "null | null" not in text
