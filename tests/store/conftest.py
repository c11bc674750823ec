"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, one empty database a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import sqlalchemy

from araz.app._rim import free_port
from araz_testing import missing


@pytest.fixture(scope="session")
def postgresql_server():
    """Start a server; return the port on which its superuser ``araz`` may sign in."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("PostgreSQL (apt install postgresql)")
    # A folder of its own: the server refuses to run as root, and pytest's folders are closed to anybody else.
    programs, home = found[-1].parent, Path(tempfile.mkdtemp(prefix="araz-postgresql-"))
    other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if other:
        shutil.chown(home, "postgres")
    port = free_port()

    def run(*words):
        done = subprocess.run([*other, *map(str, words)], capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr

    run(programs / "initdb", "-D", home / "data", "-U", "araz", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {home}"
    run(programs / "pg_ctl", "-D", home / "data", "-w", "-l", home / "log", "-o", settings, "start")
    yield port
    run(programs / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop")
    shutil.rmtree(home)


@pytest.fixture
def postgresql(postgresql_server):
    """The address of an empty database."""
    server = sqlalchemy.create_engine(
        f"postgresql+pg8000://araz@127.0.0.1:{postgresql_server}/postgres", isolation_level="AUTOCOMMIT"
    )
    with server.connect() as connection:
        connection.execute(sqlalchemy.text("drop database if exists night with (force)"))
        connection.execute(sqlalchemy.text("create database night"))
    server.dispose()
    return f"postgresql://araz@127.0.0.1:{postgresql_server}/night"
