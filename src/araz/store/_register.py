"""The register of seizures on disk: revisions are added, never changed; the newest of each seizure counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from araz.store._closing import Closing
from araz.store._errors import JournalError
from araz.store._records import use_wal
from araz.vocabulary import SeizureRevision

_METADATA: Final = MetaData()
_REVISIONS: Final = Table(
    "register_revisions",
    _METADATA,
    Column("entry", Integer, primary_key=True, autoincrement=True),
    Column("seizure_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
    Column("batch_id", String, nullable=False),
    Column("json", LargeBinary, nullable=False),
)
_GUARDS: Final = (
    "CREATE UNIQUE INDEX IF NOT EXISTS register_order ON register_revisions (seizure_id, revision)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS register_no_{verb} BEFORE {verb} ON register_revisions "
        "BEGIN SELECT RAISE(ABORT, 'the register only grows: add a revision'); END"
        for verb in ("UPDATE", "DELETE")
    ),
)
#: So many are looked up by their names; for more the whole register is read.
_FEW: Final = 1_000
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(SeizureRevision)


class Register(Closing):
    """Append-only history of seizures in one SQLite file; each :meth:`add` is one transaction."""

    def __init__(self, path: Path | str) -> None:
        """Use :meth:`open`."""
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", use_wal)
        event.listen(self._engine, "connect", _use_memory)
        _METADATA.create_all(self._engine)
        with self._engine.begin() as connection:
            for statement in _GUARDS:
                connection.exec_driver_sql(statement)

    @classmethod
    def open(cls, path: Path | str) -> Register:
        """Open or create the register; raises JournalError when the file cannot be used."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            return cls(path)
        except DatabaseError as error:
            raise JournalError(f"{path} is no register that can be used ({error.orig}); name another file") from error

    def add(self, revisions: Sequence[SeizureRevision]) -> None:
        """Add revisions, all or none; raises JournalError when one is not the next of its seizure, or unreadable."""
        written = [_ENCODER.encode(revision) for revision in revisions]
        _must_read_back(revisions, written)
        rows = [
            (r.seizure_id, r.revision, r.changed_at_us, r.batch_id, data)
            for r, data in zip(revisions, written, strict=True)
        ]
        with self._engine.begin() as connection:
            heads = _heads(connection, {seizure_id for seizure_id, *_ in rows})
            for seizure_id, number, *_ in rows:
                if number != heads.get(seizure_id, -1) + 1:
                    raise JournalError(
                        f"seizure {seizure_id} is at revision {heads.get(seizure_id, -1)}, not {number - 1}: "
                        "somebody changed it meanwhile; look at it again"
                    )
                heads[seizure_id] = number
            if rows:
                statement = (
                    "INSERT INTO register_revisions (seizure_id, revision, changed_at_us, "
                    "batch_id, json) VALUES (?, ?, ?, ?, ?)"
                )
                connection.exec_driver_sql(statement, rows)

    def heads(self, of: Collection[str] | None = None) -> dict[str, int]:
        """The newest revision number of every seizure, withdrawn ones included; at least those of ``of``, if given."""
        with self._engine.connect() as connection:
            return _heads(connection, of)

    def entries(self) -> int:
        """How many revisions there are: a number that changes with every change."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(_REVISIONS)).scalar_one()

    def history(self, seizure_id: str) -> list[SeizureRevision]:
        """All revisions of one seizure, oldest first."""
        query = select(_REVISIONS.c.json).where(_REVISIONS.c.seizure_id == seizure_id).order_by(_REVISIONS.c.revision)
        with self._engine.connect() as connection:
            return [_DECODER.decode(data) for data in connection.execute(query).scalars()]

    def ids(self, prefix: str) -> list[str]:
        """Seizures whose identity begins with a text: people type the first letters."""
        query = select(_REVISIONS.c.seizure_id).where(_REVISIONS.c.seizure_id.startswith(prefix, autoescape=True))
        with self._engine.connect() as connection:
            return list(connection.execute(query.distinct().limit(10)).scalars())

    def changes(self, limit: int = 100) -> list[SeizureRevision]:
        """The last revisions of all seizures, newest first."""
        query = select(_REVISIONS.c.json).order_by(_REVISIONS.c.entry.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [_DECODER.decode(data) for data in connection.execute(query).scalars()]

    def revisions(self) -> Iterator[SeizureRevision]:
        """All revisions of all seizures, in the order they came in."""
        with self._engine.connect() as connection:
            for data in connection.execute(select(_REVISIONS.c.json).order_by(_REVISIONS.c.entry)).scalars():
                yield _DECODER.decode(data)

    def current(self) -> Iterator[SeizureRevision]:
        """The newest revision of every seizure that is not withdrawn, in the order they first came in."""
        grouped = select(
            _REVISIONS.c.seizure_id,
            func.max(_REVISIONS.c.revision).label("top"),
            func.min(_REVISIONS.c.entry).label("first"),
        )
        newest = grouped.group_by(_REVISIONS.c.seizure_id).subquery()
        match = (_REVISIONS.c.seizure_id == newest.c.seizure_id) & (_REVISIONS.c.revision == newest.c.top)
        query = select(_REVISIONS.c.json).join(newest, match).order_by(newest.c.first)
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                revision = _DECODER.decode(row.json)
                if revision.record is not None:
                    yield revision

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _use_memory(connection: Any, _: Any) -> None:
    """64 MiB of pages: identities come in no order, and with SQLite's 2 MiB a large import writes each page often."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA cache_size=-65536")
    cursor.close()


def _must_read_back(revisions: Sequence[SeizureRevision], written: list[bytes]) -> None:
    """What only grows can never be mended: a record that would not come back as it was is not written."""
    try:
        if _DECODER.decode_lines(b"\n".join(written)) == list(revisions):
            return
    except msgspec.ValidationError:
        pass  # which one it is, the loop below finds
    for revision, data in zip(revisions, written, strict=True):
        try:
            back = _DECODER.decode(data)
        except msgspec.ValidationError as error:
            raise JournalError(f"seizure {revision.seizure_id} is not written: {error}; correct it first") from error
        if back != revision:
            raise JournalError(f"seizure {revision.seizure_id} is not written: it holds a value that JSON cannot keep")


def _heads(connection: Connection, of: Collection[str] | None) -> dict[str, int]:
    query = select(_REVISIONS.c.seizure_id, func.max(_REVISIONS.c.revision)).group_by(_REVISIONS.c.seizure_id)
    if of is not None and len(of) <= _FEW:
        query = query.where(_REVISIONS.c.seizure_id.in_(of))
    return {row[0]: row[1] for row in connection.execute(query)}
