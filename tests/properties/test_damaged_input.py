"""A short run of the damaged-input bench: no exception escapes a decoder, and every input is accounted for."""

import importlib.util
from pathlib import Path

import pytest

from araz.sensors import DECODERS

BENCH = Path(__file__).resolve().parent.parent.parent / "bench" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("format", list(DECODERS))
def test_nothing_escapes(fuzz, format):
    row = fuzz.fuzz(format, 1500, seed=7)
    assert row["rejects"] > 0
    assert row["observations"] + row["other"] + row["rejects"] + row["nothing"] >= row["inputs"]
