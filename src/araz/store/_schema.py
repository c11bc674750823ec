"""The tables of the records: columns to ask by, and the whole event as JSON beside them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy import String as _String

METADATA: Final = MetaData()
#: Text in the order of its bytes in both stores, whatever language the server was set up in.
String: Final = _String().with_variant(_String(collation="C"), "postgresql")


def _table(name: str, *columns: Column[str] | Column[int] | Column[bytes]) -> Table:
    return Table(
        name, METADATA, *columns, Column("message_seq", BigInteger), Column("json", LargeBinary, nullable=False)
    )


ALARMS: Final = _table(
    "alarms",
    Column("alarm_id", String, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("state", String, nullable=False),
    Column("raised_at_us", BigInteger, nullable=False),
    Column("changed_at_us", BigInteger, nullable=False),
)
INCIDENTS: Final = _table(
    "incidents",
    Column("incident_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("known_at_us", BigInteger, nullable=False, index=True),
    Column("track_id", String),
    Column("supersedes", String),
)
DECISIONS: Final = _table(
    "decisions",
    Column("decision_id", String, primary_key=True),
    Column("alarm_id", String, nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False, index=True),
)
REPORTS: Final = _table(
    "reports",
    Column("report_id", String, primary_key=True),
    Column("reporter", String, primary_key=True),
    Column("observed_at_us", BigInteger, primary_key=True),
    Column("received_at_us", BigInteger, nullable=False, index=True),
)
DRILLS: Final = _table(
    "drills",
    Column("drill_id", String, primary_key=True),
    Column("at_us", BigInteger, primary_key=True),
    Column("state", String, nullable=False),
)
PICTURES: Final = _table("pictures", Column("at_us", BigInteger, primary_key=True))
HEALTH_LATEST: Final = _table(
    "health_latest", Column("sensor_id", String, primary_key=True), Column("at_us", BigInteger, nullable=False)
)
HEALTH_CHANGES: Final = _table(
    "health_changes",
    Column("sensor_id", String, primary_key=True),
    Column("at_us", BigInteger, primary_key=True),
    Column("state", String, nullable=False),
)
REJECT_COUNTS: Final = Table(
    "reject_counts",
    METADATA,
    Column("source", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_received_at_us", BigInteger, nullable=False),
)
REJECTS: Final = _table(
    "rejects",
    Column("row", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("received_at_us", BigInteger, nullable=False),
)
Index("rejects_by_source", REJECTS.c.source, REJECTS.c.row)
