"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, to be stopped and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy

from araz.app._rim import free_port
from araz_testing import missing


class Postgres:
    """One server on this machine; its superuser ``araz`` may sign in."""

    def __init__(self):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            missing("PostgreSQL (apt install postgresql)")
        # A folder of its own: the server refuses to run as root, and pytest's folders are closed to anybody else.
        self._programs, self._home = found[-1].parent, Path(tempfile.mkdtemp(prefix="araz-postgresql-"))
        self._other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._other:
            shutil.chown(self._home, "postgres")
        self.port = free_port()
        self._run("initdb", "-D", self._home / "data", "-U", "araz", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        self.start()

    def _run(self, program, *words):
        command = [*self._other, str(self._programs / program), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr

    def start(self):
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {self._home}"
        self._run("pg_ctl", "-D", self._home / "data", "-w", "-l", self._home / "log", "-o", settings, "start")

    def stop(self):
        self._run("pg_ctl", "-D", self._home / "data", "-m", "immediate", "stop")

    def fresh(self, name):
        """Make an empty database, and return its address."""
        server = sqlalchemy.create_engine(
            f"postgresql+pg8000://araz@127.0.0.1:{self.port}/postgres", isolation_level="AUTOCOMMIT"
        )
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"drop database if exists {name} with (force)"))
            connection.execute(sqlalchemy.text(f"create database {name}"))
        server.dispose()
        return f"postgresql://araz@127.0.0.1:{self.port}/{name}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self._home)
