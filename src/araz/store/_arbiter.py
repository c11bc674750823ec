"""The arbiter of two centre nodes: one row in a PostgreSQL, which says who leads. It is asked when that may change.

    (turn, leader, is_alone, next_seq, hash)

Each change is a compare-and-set on ``turn``: it holds only if nobody changed the row since it was read, so of two nodes
that want to lead one is refused, and an order that comes late from a node long thought dead is void. No clock is in it.
"""

from __future__ import annotations

import contextlib
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Engine, MetaData, Table, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from araz.store._closing import Closing
from araz.store._records import postgresql_engine
from araz.store._schema import String

#: How long an answer is waited for, seconds: a console must not stand still for a database that is gone.
ANSWER_S: Final = 1.0

_TABLE: Final = Table(
    "araz_pair",
    MetaData(),
    Column("pair", String, primary_key=True),
    Column("turn", BigInteger, nullable=False),
    Column("leader", String, nullable=False),
    Column("is_alone", Boolean, nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    Column("hash_hex", String, nullable=False),
)


class ArbiterError(ConnectionError):
    """The arbiter did not answer, so it is unknown whether what was asked was done."""


class Stand(NamedTuple):
    """Who leads a pair."""

    turn: int
    """Rises with every change."""
    leader: str
    is_alone: bool
    """The leader acknowledges what it alone holds; else only what both have on disk, and the other may take over."""
    next_seq: int
    """Where both journals stood when they were last made level, and the hash of the entry before (hex)."""
    hash_hex: str


class Arbiter(Closing):
    """The row of one pair."""

    def __init__(self, url: str, pair: str) -> None:
        """Take the address of a PostgreSQL; nothing is asked yet. ValueError for any other."""
        self._engine: Engine = postgresql_engine(url, ANSWER_S)
        self._pair = pair

    def read(self) -> Stand | None:
        """Who leads; None where nobody ever did. Raises ArbiterError."""
        query = select(*_TABLE.c[1:]).where(_TABLE.c.pair == self._pair)
        try:
            # Both nodes make the table at once, and one is first; whatever else is refused, the question is too.
            with contextlib.suppress(IntegrityError, ProgrammingError), self._engine.begin() as connection:
                _TABLE.metadata.create_all(connection)
            with self._engine.begin() as connection:
                row = connection.execute(query).one_or_none()
        except (DBAPIError, OSError) as error:
            raise _gone(error) from error
        return None if row is None else Stand(*row)

    def change(self, before: Stand | None, leader: str, is_alone: bool, next_seq: int, hash_hex: str) -> Stand | None:
        """Write a new stand if ``before`` still holds, and return it; None when another was faster.

        Raises ArbiterError: it may have been written or not, and only a later change or :meth:`read` tells.
        """
        after = Stand(1 if before is None else before.turn + 1, leader, is_alone, next_seq, hash_hex)
        try:
            with self._engine.begin() as connection:
                if before is None:
                    connection.execute(insert(_TABLE).values(pair=self._pair, **after._asdict()))
                    return after
                is_same = (_TABLE.c.pair == self._pair) & (_TABLE.c.turn == before.turn)
                done = connection.execute(update(_TABLE).where(is_same).values(**after._asdict()))
                return after if done.rowcount == 1 else None
        except IntegrityError:
            return None
        except (DBAPIError, OSError) as error:
            raise _gone(error) from error

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()


def _gone(error: Exception) -> ArbiterError:
    cause = getattr(error, "orig", None) or error
    return ArbiterError(f"the arbiter does not answer: {(str(cause) or type(cause).__name__).splitlines()[0]}")
