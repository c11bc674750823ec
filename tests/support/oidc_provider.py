"""A real OpenID Connect provider in a process of its own: the package oidc-provider-mock."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

from araz_testing import missing


@contextlib.contextmanager
def provider(port: int, users: dict[str, list[str]], token_max_age_s: int = 3600):
    """Run it on ``port`` to the end of the block, with new keys; ``users`` are subjects with their groups."""
    if importlib.util.find_spec("oidc_provider_mock") is None:
        missing("a provider to sign in by (pip install oidc-provider-mock)")
    words = [f"--user-claims={json.dumps({'sub': sub, 'groups': groups})}" for sub, groups in users.items()]
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), "-e", str(token_max_age_s), "-n", "true"]
    running = subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer, end = f"http://localhost:{port}", time.monotonic() + 60
    try:
        while True:
            try:
                with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=5) as answer:
                    answer.read()
                break
            except (OSError, urllib.error.URLError):
                assert running.poll() is None, "the provider did not start"
                assert time.monotonic() < end, "the provider does not answer"
                time.sleep(0.1)
        yield issuer
    finally:
        running.terminate()
        running.wait(30)
