"""The records: every event by what one asks for, in SQLite or PostgreSQL; all of it follows from the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, Select, Table, create_engine, delete, event, func, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite

from araz.store._closing import Closing
from araz.store._postgis import has_geometry, make_geometry
from araz.store._schema import (
    ALARMS,
    DECISIONS,
    DRILLS,
    HEALTH_CHANGES,
    HEALTH_LATEST,
    INCIDENTS,
    METADATA,
    PICTURES,
    REJECT_COUNTS,
    REJECTS,
    REPORTS,
)
from araz.vocabulary import (
    LATEST_TIME_US,
    Alarm,
    Decision,
    Drill,
    Event,
    Incident,
    Picture,
    Rejected,
    ReportReceived,
    SensorHealth,
)

#: Rejected inputs kept whole for each feed; all are counted.
REJECTS_KEPT: Final = 1000
#: A PostgreSQL that has not answered for so long counts as gone, seconds: then the night goes on without it.
ANSWER_S: Final = 10.0

_Record = TypeVar("_Record")
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_Row = dict[str, Any]

#: Where an event goes: its table, and the columns it is found by.
_ROUTES: Final[dict[type, tuple[Table, Callable[[Any], _Row]]]] = {
    Alarm: (
        ALARMS,
        lambda e: {
            "alarm_id": e.alarm_id,
            "revision": e.revision,
            "state": e.state.value,
            "raised_at_us": e.raised_at_us,
            "changed_at_us": e.changed_at_us,
        },
    ),
    Incident: (
        INCIDENTS,
        lambda e: {
            "incident_id": e.incident_id,
            "kind": e.kind.value,
            "at_us": e.at_us,
            "known_at_us": e.known_at_us,
            "track_id": e.track_id,
            "supersedes": e.supersedes,
        },
    ),
    Decision: (DECISIONS, lambda e: {"decision_id": e.decision_id, "alarm_id": e.alarm_id, "at_us": e.at_us}),
    ReportReceived: (
        REPORTS,
        lambda e: {
            "report_id": e.report.report_id,
            "reporter": e.report.reporter,
            "observed_at_us": e.observed_at_us,
            "received_at_us": e.received_at_us,
        },
    ),
    Picture: (PICTURES, lambda e: {"at_us": e.at_us}),
    SensorHealth: (HEALTH_LATEST, lambda e: {"sensor_id": e.sensor_id, "at_us": e.at_us}),
    Drill: (DRILLS, lambda e: {"drill_id": e.drill_id, "at_us": e.at_us, "state": e.state}),
    Rejected: (REJECTS, lambda e: {"source": _feed_of(e.source), "received_at_us": e.received_at_us}),
}


class RejectCount(NamedTuple):
    """How often one feed sent something unusable, and why."""

    source: str
    reason: str
    total: int
    last_received_at_us: int


class Records(Closing):
    """The console's memory. One writer; any number of readers, also from other threads and processes."""

    def __init__(self, engine: Engine) -> None:
        """Use :meth:`open`."""
        self._engine = engine
        METADATA.create_all(self._engine)
        with self._engine.begin() as connection:
            self.has_geometry = has_geometry(connection) or make_geometry(connection)
            """Whether the records can be asked by place, in the database itself."""

    @classmethod
    def open(cls, path: Path | str) -> Records:
        """Open or create the database of a night: the SQLite file, or the PostgreSQL that its ``.url`` names.

        Raises sqlalchemy's DBAPIError when neither can be used, ValueError when the client is not installed.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        setting = url_file(path)
        if setting.is_file():
            return cls(postgresql_engine(setting.read_text().strip()))
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", use_wal)
        return cls(engine)

    def write(self, events: Sequence[Event], message_seq: int | None = None) -> None:
        """Store a batch of events in one transaction; an event written again replaces itself.

        ``message_seq`` is the journal entry they follow from. Rejects are counted, so the same batch must not be
        written twice without :meth:`clear`.
        """
        if not events:
            return
        healths = [item for item in events if isinstance(item, SensorHealth)]
        rejects = [item for item in events if isinstance(item, Rejected)]
        rows: dict[type, list[_Row]] = {}
        with self._engine.begin() as connection:
            # Encoded once the database answers: while it is gone, all that waits is offered again with each batch.
            for item in events:
                columns = _ROUTES[type(item)][1](item)
                rows.setdefault(type(item), []).append(
                    {**columns, "message_seq": message_seq, "json": _ENCODER.encode(item)}
                )
            _write_health_changes(connection, healths, message_seq)
            for kind, values in rows.items():
                _replace(connection, _ROUTES[kind][0], values)
            _count_rejects(connection, rejects)

    def clear(self) -> None:
        """Forget everything; what is still true is derived from the journal again."""
        with self._engine.begin() as connection:
            is_server = connection.dialect.name == "postgresql"
            for table in METADATA.sorted_tables:
                if {one["name"] for one in inspect(connection).get_columns(table.name)} != set(table.columns.keys()):
                    # Of another version: as nothing in it is kept, it is not changed but made anew.
                    connection.execute(text(f"drop table {table.name}" + (" cascade" if is_server else "")))
                    table.create(connection)
                # At once, however much is in it: to delete row by row could outlast the patience with the server.
                connection.execute(text(f"truncate {table.name}") if is_server else delete(table))
            if self.has_geometry:
                make_geometry(connection)  # as this version has it

    def rebuild(self, batches: Iterable[tuple[Sequence[Event], int | None]]) -> None:
        """Clear, then write batches of (events, message_seq)."""
        self.clear()
        for events, message_seq in batches:
            self.write(events, message_seq)

    def alarms(self) -> list[Alarm]:
        """The newest revision of every alarm, oldest alarm first."""
        return self.alarms_known(LATEST_TIME_US, LATEST_TIME_US)

    def alarm_history(self, alarm_id: str | None = None, since_us: int = 0) -> list[Alarm]:
        """All revisions, of one alarm or of all, changed at or after ``since_us``, in order of change."""
        query = select(ALARMS.c.json).where(ALARMS.c.changed_at_us >= since_us)
        if alarm_id is not None:
            query = query.where(ALARMS.c.alarm_id == alarm_id)
        return self._read(query.order_by(ALARMS.c.changed_at_us, ALARMS.c.alarm_id, ALARMS.c.revision), Alarm)

    def alarms_known(self, at_us: int, known_us: int) -> list[Alarm]:
        """As known at ``known_us``: the newest revision of each alarm raised at or before ``at_us``, oldest first."""
        top = func.max(ALARMS.c.revision).label("top")
        is_known = (ALARMS.c.raised_at_us <= at_us) & (ALARMS.c.changed_at_us <= known_us)
        newest = select(ALARMS.c.alarm_id, top).where(is_known).group_by(ALARMS.c.alarm_id).subquery()
        match = (ALARMS.c.alarm_id == newest.c.alarm_id) & (ALARMS.c.revision == newest.c.top)
        query = select(ALARMS.c.json).join(newest, match).order_by(ALARMS.c.raised_at_us, ALARMS.c.alarm_id)
        return self._read(query, Alarm)

    def incidents_known(self, at_us: int, known_us: int) -> list[Incident]:
        """Incidents said by ``at_us``, and those that had happened by then and were said by ``known_us``, as said.

        With ``known_us == at_us`` that is all that had been said then, forecasts included.
        """
        is_said = INCIDENTS.c.known_at_us <= at_us
        is_learned = (INCIDENTS.c.known_at_us <= known_us) & (INCIDENTS.c.at_us <= at_us)
        query = select(INCIDENTS.c.json).where(is_said | is_learned)
        return self._read(query.order_by(INCIDENTS.c.known_at_us, INCIDENTS.c.incident_id), Incident)

    def decisions_known(self, at_us: int, known_us: int) -> list[Decision]:
        """Decisions taken at or before ``at_us``; one is recorded when it is taken, so ``known_us`` adds none."""
        query = select(DECISIONS.c.json).where(DECISIONS.c.at_us <= min(at_us, known_us))
        return self._read(query.order_by(DECISIONS.c.at_us, DECISIONS.c.decision_id), Decision)

    def incidents(self, since_us: int = 0, to_us: int = LATEST_TIME_US) -> list[Incident]:
        """Incidents that became known from ``since_us`` to ``to_us``, in that order."""
        known = INCIDENTS.c.known_at_us
        query = select(INCIDENTS.c.json).where(known.between(since_us, to_us))
        return self._read(query.order_by(known, INCIDENTS.c.incident_id), Incident)

    def decisions(self, since_us: int = 0) -> list[Decision]:
        """Decisions of officers, in order."""
        query = select(DECISIONS.c.json).where(DECISIONS.c.at_us >= since_us)
        return self._read(query.order_by(DECISIONS.c.at_us, DECISIONS.c.decision_id), Decision)

    def drills(self) -> list[Drill]:
        """How each drill ended, oldest first; what was shown of it while it flew is left out."""
        query = select(DRILLS.c.json).where(DRILLS.c.state != "running")
        return self._read(query.order_by(DRILLS.c.at_us, DRILLS.c.drill_id), Drill)

    def reports(self, since_us: int = 0) -> list[ReportReceived]:
        """People's reports, in order of arrival."""
        query = select(REPORTS.c.json).where(REPORTS.c.received_at_us >= since_us)
        return self._read(query.order_by(REPORTS.c.received_at_us, REPORTS.c.report_id), ReportReceived)

    def pictures(self, from_us: int, to_us: int, limit: int = 1000) -> list[Picture]:
        """Pictures of a span of time, in order; more than ``limit`` are thinned evenly, the last always stays."""
        if limit < 1:
            raise ValueError(f"limit is {limit}; ask for at least one picture")
        span = PICTURES.c.at_us.between(from_us, to_us)
        with self._engine.connect() as connection:
            count = connection.execute(select(func.count()).where(span)).scalar_one()
        step = max(1, -(-count // limit))
        ranked = select(PICTURES.c.json, PICTURES.c.at_us, func.row_number().over(order_by=PICTURES.c.at_us).label("n"))
        kept = ranked.where(span).subquery()
        query = select(kept.c.json).where((count - kept.c.n) % step == 0).order_by(kept.c.at_us)
        return self._read(query, Picture)

    def picture_at(self, at_us: int) -> Picture | None:
        """The newest picture not after ``at_us``, or None before the first."""
        query = select(PICTURES.c.json).where(PICTURES.c.at_us <= at_us).order_by(PICTURES.c.at_us.desc()).limit(1)
        found = self._read(query, Picture)
        return found[0] if found else None

    def picture_span(self) -> tuple[int, int] | None:
        """Times of the first and the last picture, or None: the ends of the scrubber."""
        with self._engine.connect() as connection:
            first, last = connection.execute(select(func.min(PICTURES.c.at_us), func.max(PICTURES.c.at_us))).one()
        return None if first is None else (first, last)

    def health(self) -> list[SensorHealth]:
        """What is known of each sensor now, by sensor id."""
        return self._read(select(HEALTH_LATEST.c.json).order_by(HEALTH_LATEST.c.sensor_id), SensorHealth)

    def health_history(self, sensor_id: str | None = None) -> list[SensorHealth]:
        """The health records at which a sensor's state changed, in order."""
        query = select(HEALTH_CHANGES.c.json).order_by(HEALTH_CHANGES.c.at_us, HEALTH_CHANGES.c.sensor_id)
        if sensor_id is not None:
            query = query.where(HEALTH_CHANGES.c.sensor_id == sensor_id)
        return self._read(query, SensorHealth)

    def health_at(self, at_us: int) -> list[SensorHealth]:
        """The newest change of each sensor's state at or before a time (µs UTC), by sensor id.

        Its counts are those of the change; a sensor whose state was not known yet is left out.
        """
        newest = select(HEALTH_CHANGES.c.sensor_id, func.max(HEALTH_CHANGES.c.at_us).label("at_us"))
        newest_of_each = newest.where(HEALTH_CHANGES.c.at_us <= at_us).group_by(HEALTH_CHANGES.c.sensor_id).subquery()
        is_newest = (HEALTH_CHANGES.c.sensor_id == newest_of_each.c.sensor_id) & (
            HEALTH_CHANGES.c.at_us == newest_of_each.c.at_us
        )
        query = select(HEALTH_CHANGES.c.json).join(newest_of_each, is_newest).order_by(HEALTH_CHANGES.c.sensor_id)
        return self._read(query, SensorHealth)

    def rejects(self, source: str | None = None, limit: int = REJECTS_KEPT) -> list[Rejected]:
        """The last rejected inputs, newest first, of one feed (its connections included) or of all."""
        query = select(REJECTS.c.json).order_by(REJECTS.c.row.desc()).limit(limit)
        if source is not None:
            query = query.where(REJECTS.c.source == _feed_of(source))
        return self._read(query, Rejected)

    def reject_counts(self, source: str | None = None) -> list[RejectCount]:
        """How many inputs of each feed were rejected for each reason."""
        query = select(REJECT_COUNTS).order_by(REJECT_COUNTS.c.source, REJECT_COUNTS.c.reason)
        if source is not None:
            query = query.where(REJECT_COUNTS.c.source == _feed_of(source))
        with self._engine.connect() as connection:
            return [RejectCount(*row) for row in connection.execute(query)]

    def _read(self, query: Select[Any], kind: type[_Record]) -> list[_Record]:
        decoder = msgspec.json.Decoder(kind)
        with self._engine.connect() as connection:
            return [decoder.decode(data) for data in connection.execute(query).scalars()]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _feed_of(source: str) -> str:
    """The feed's id without the number of the connection: peers come and go, the feed stays."""
    return source.partition("#")[0]


def url_file(path: Path | str) -> Path:
    """Where the address of a night's PostgreSQL stands, if it has one: beside the SQLite file it replaces."""
    return Path(path).with_suffix(".url")


def has_records(path: Path | str) -> bool:
    """Whether a night has records, in either store."""
    return Path(path).exists() or url_file(path).is_file()


def postgresql_engine(url: str, answer_s: float = ANSWER_S) -> Engine:
    """The engine of ``postgresql://USER:PASSWORD@HOST/DATABASE``; without an answer for ``answer_s`` it is given up."""
    scheme, colon, rest = url.partition("://")
    if scheme != "postgresql" or not colon:
        raise ValueError(f"records: {scheme!r} is no store; give postgresql://USER:PASSWORD@HOST/DATABASE")
    try:
        return create_engine(f"postgresql+pg8000://{rest}", pool_pre_ping=True, connect_args={"timeout": answer_s})
    except ModuleNotFoundError:
        raise ValueError(
            "records in PostgreSQL need its client; install it with: pip install 'araz[postgresql]'"
        ) from None


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _replace(connection: Connection, table: Table, rows: list[_Row]) -> None:
    """Insert rows; one whose key is there replaces it."""
    insert = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    if table is not REJECTS:  # numbered by the database
        insert = insert.on_conflict_do_update(index_elements=keys, set_=others)
    connection.execute(insert, rows)


def use_wal(connection: Any, _: Any) -> None:
    """Readers never wait for the writer. NORMAL: a power cut may cost the last records, never the journal."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_health_changes(connection: Connection, healths: list[SensorHealth], message_seq: int | None) -> None:
    if not healths:
        return
    query = select(HEALTH_CHANGES.c.sensor_id, HEALTH_CHANGES.c.state).order_by(HEALTH_CHANGES.c.at_us)
    ids = {health.sensor_id for health in healths}
    states = {row.sensor_id: row.state for row in connection.execute(query.where(HEALTH_CHANGES.c.sensor_id.in_(ids)))}
    changes: list[_Row] = []
    for health in healths:
        if states.get(health.sensor_id) != health.state.value:
            states[health.sensor_id] = health.state.value
            row = {"sensor_id": health.sensor_id, "at_us": health.at_us, "state": health.state.value}
            changes.append({**row, "message_seq": message_seq, "json": _ENCODER.encode(health)})
    if changes:
        _replace(connection, HEALTH_CHANGES, changes)


def _count_rejects(connection: Connection, rejects: list[Rejected]) -> None:
    if not rejects:
        return
    counts = Counter((_feed_of(item.source), item.reason) for item in rejects)
    last = {(_feed_of(item.source), item.reason): item.received_at_us for item in rejects}
    for (source, reason), count in counts.items():
        row = _insert(connection, REJECT_COUNTS).values(
            source=source, reason=reason, count=count, last_received_at_us=last[source, reason]
        )
        more = {"count": REJECT_COUNTS.c.count + count, "last_received_at_us": row.excluded.last_received_at_us}
        connection.execute(row.on_conflict_do_update(index_elements=["source", "reason"], set_=more))
    for source in {source for source, _ in counts}:
        mine = REJECTS.c.source == source
        oldest = select(REJECTS.c.row).where(mine).order_by(REJECTS.c.row.desc()).offset(REJECTS_KEPT).limit(1)
        connection.execute(delete(REJECTS).where(mine, REJECTS.c.row <= oldest.scalar_subquery()))
