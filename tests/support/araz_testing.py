"""What several test files need; importable from any of them."""

from __future__ import annotations

import os

import pytest

from araz.app import cli


def in_ci() -> bool:
    """True where a missing shelf or tool is a failure, not a reason to skip."""
    return os.environ.get("CI", "").lower() == "true"


def missing(what: str) -> None:
    """Skip on a user's machine, fail in CI."""
    if in_ci():
        pytest.fail(f"{what} is missing, and CI must run this test")
    pytest.skip(f"{what} is not on this machine")


def araz(*words: object) -> object:
    """Type a command; returns its exit status."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    return ended.value.code
