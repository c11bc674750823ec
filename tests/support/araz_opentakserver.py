"""A real OpenTAKServer: its broker (RabbitMQ), its database (PostgreSQL), its two programs for clients and messages.

Its own web program is not started: it asks the internet for icons. What that program makes for the others, tables and
exchanges, is made by `opentakserver_setup.py` in the server's environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy

from araz.app._rim import free_port
from araz_postgresql import Postgres
from araz_testing import missing

BROKER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
#: OpenTAKServer speaks to its broker at this port only; hence an address of this process's own.
BROKER_PORT = 5672


class OpenTak:
    """The server, for the length of a ``with``; clients at ``port``, without TLS."""

    def __init__(self, python):
        if not BROKER.exists() or shutil.which("epmd") is None:
            missing("RabbitMQ (apt install rabbitmq-server)")
        self._python, self._ends = str(python), contextlib.ExitStack()
        self.port = free_port()

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            self._home = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="araz-opentakserver-")))
            self._database = ends.enter_context(Postgres()).fresh("ots")
            broker = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
            self._write_settings(broker)
            self._start_broker(ends, broker)
            done = self._run(Path(__file__).with_name("opentakserver_setup.py"), broker)
            assert done.returncode == 0, done.stderr
            for program in ("eud_handler", "cot_parser"):
                self._start(ends, program, [self._python, "-m", f"opentakserver.{program}.{program}"], {})
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self._ends.close()

    def said(self):
        """All programs' logs."""
        places = (self._home.glob("*.out"), (self._home / "ots" / "logs").glob("*.log"))
        return "\n".join(one.read_text() for some in places for one in some)

    def rows(self, question):
        """What the server's database answers."""
        engine = sqlalchemy.create_engine(self._database.replace("postgresql:", "postgresql+pg8000:"))
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.execute(sqlalchemy.text(question))]
        engine.dispose()
        return found

    def is_open(self):
        """Whether clients and messages are taken."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def _write_settings(self, broker):
        (self._home / "ots").mkdir()
        settings = {
            "SQLALCHEMY_DATABASE_URI": self._database.replace("postgresql:", "postgresql+psycopg:"),
            "OTS_RABBITMQ_SERVER_ADDRESS": broker, "OTS_TCP_STREAMING_PORT": self.port, "DEBUG": "true",
        }  # fmt: skip
        (self._home / "ots" / "config.yml").write_text("".join(f"{key}: {one}\n" for key, one in settings.items()))

    def _start_broker(self, ends, address):
        names = str(free_port())
        self._start(ends, "epmd", ["epmd", "-address", "127.0.0.1", "-port", names], {})
        (self._home / "plugins").write_text("[].\n")
        self._start(ends, "rabbitmq", [BROKER], {
            "RABBITMQ_NODENAME": "araz@localhost", "RABBITMQ_NODE_IP_ADDRESS": address,
            "RABBITMQ_NODE_PORT": str(BROKER_PORT), "RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": names,
            "RABBITMQ_MNESIA_BASE": str(self._home / "queues"), "RABBITMQ_LOG_BASE": str(self._home / "broker"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "plugins"), "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self._home / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        })  # fmt: skip

    def _environment(self, more):
        # Its folder is ~/ots. What we import is not its business.
        mine = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return {**mine, "HOME": str(self._home), **more}

    def _run(self, *words):
        command = [self._python, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment({}))

    def _start(self, ends, name, command, more):
        with (self._home / f"{name}.out").open("ab") as log:
            process = subprocess.Popen(
                list(map(str, command)), stdout=log, stderr=log, env=self._environment(more), start_new_session=True
            )
        ends.callback(_end, process)


def _end(process):
    """End a program and all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
