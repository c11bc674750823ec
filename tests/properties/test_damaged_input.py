"""A short run of the damaged-input bench: no exception escapes a decoder, and every input is accounted for."""

import importlib.util
from pathlib import Path

import pytest

from araz.sensors import DECODERS
from araz.vocabulary import Feed, Message, Observation, Rejected

BENCH = Path(__file__).resolve().parent.parent.parent / "bench" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("format", list(DECODERS))
def test_nothing_escapes(fuzz, format):
    row = fuzz.fuzz(format, 1500, seed=7, inside=False)
    assert row["rejects"] > 0
    assert row["observations"] + row["other"] + row["rejects"] + row["nothing"] >= row["inputs"]


@pytest.mark.parametrize("format", list(DECODERS))
def test_damage_behind_right_lengths_and_checksums_is_reached_and_nothing_escapes(fuzz, format):
    row = fuzz.fuzz(format, 1500, seed=7, inside=True)
    assert row["rejects"] > 0, "damage is noticed"
    assert row["observations"] > 150, "and much of it gets past the first checks"
    assert row["observations"] + row["other"] + row["rejects"] + row["nothing"] >= row["inputs"]


def test_own_frames_are_sound(fuzz):
    """What is damaged would be understood undamaged: no frame is refused, and each format gives an observation."""
    for format, decoder in DECODERS.items():
        feed = Feed(id=format.value, format=format)
        state, said = decoder.init(feed, []), []
        for seq, payload in enumerate(fuzz.own_frames()[format]):
            message = Message(seq=seq, received_at_us=fuzz.NOW_US + seq, source=format.value, payload=payload)
            state, decoded = decoder.step(state, message)
            said += decoded
        assert not [item for item in said if isinstance(item, Rejected)]
        assert any(isinstance(item, Observation) for item in said), format
