"""A console over records kept in lists."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from litestar.testing import TestClient

from araz.console import create_app


def load_fake_night():
    """The invented night of the browser tests, which lies in another folder without a package."""
    if "fake_night" not in sys.modules:
        path = Path(__file__).resolve().parents[1] / "browser" / "fake_night.py"
        spec = importlib.util.spec_from_file_location("fake_night", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["fake_night"] = module
        spec.loader.exec_module(module)
    return sys.modules["fake_night"]


@pytest.fixture
def night():
    return load_fake_night().Night(6)


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>officer</title>")
    (tmp_path / "signin.html").write_text("<title>sign in</title>")
    (tmp_path / "patrol.html").write_text("<title>patrol</title>")
    (tmp_path / "sw.js").write_text("// worker")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "a.mjs").write_text("export {}")
    return tmp_path


@pytest.fixture
def client(night, pages):
    app = create_app(night.site, night.geometry, night, night.submit, night.hub, static_dir=pages, clock=night.clock)
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        yield client
