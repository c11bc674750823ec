"""A PostgreSQL server of the tests' own, one empty database a test."""

from __future__ import annotations

import pytest

from araz_postgresql import Postgres


@pytest.fixture(scope="session")
def postgresql_server():
    """Start a server."""
    with Postgres() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server):
    """The address of an empty database."""
    return postgresql_server.fresh("night")
