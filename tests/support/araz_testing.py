"""What several test files need; importable from any of them."""

from __future__ import annotations

import os
import shutil
import subprocess

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


def text_of_pdf(page: bytes) -> str:
    """What another program reads in a PDF, laid out as on the page."""
    if shutil.which("pdftotext") is None:
        missing("pdftotext (apt install poppler-utils)")
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=page, capture_output=True, check=True)
    return done.stdout.decode()


def araz(*words: object) -> object:
    """Type a command; returns its exit status."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    return ended.value.code
