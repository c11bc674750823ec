"""Sessions that several consoles know: words say what began and ended, and no word holds a token, only its hash."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final

import msgspec

from araz.console._access import Role

MAX_SESSIONS: Final = 1_000
MAX_TICKETS: Final = 4_000


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, and what for."""

    account: str
    role: Role
    service: str
    purpose: str
    until_us: int
    how: str = "password"
    """By which way: password, passkey, provider."""


class SessionWord(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the sessions."""

    key: str
    """SHA-256 (hex) of a session's token, or of a ticket."""
    session: Session | None = None
    """The session that began; None: what ``key`` opened has ended, or it is a ticket."""
    ticket_of: str = ""
    """Key of the session for which ``key`` is a ticket: it opens another session like it at the other node, once."""


def key_of(secret: str) -> str:
    """The hash under which a token or ticket is known; its 256 random bits cannot be found from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """All sessions and tickets, as the words up to now say; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Session] = OrderedDict()
        self._tickets: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def hear(self, word: SessionWord) -> None:
        """Take one word; taken twice it changes nothing more. May be called from any thread."""
        with self._lock:
            if word.ticket_of:
                self._tickets[word.key] = word.ticket_of
            elif word.session is not None:
                self._open[word.key] = word.session
            else:
                self._open.pop(word.key, None)
                self._tickets.pop(word.key, None)
            while len(self._open) > MAX_SESSIONS:
                self._open.popitem(last=False)
            while len(self._tickets) > MAX_TICKETS:
                self._tickets.popitem(last=False)

    def hear_text(self, text: bytes) -> None:
        """Take a word as it lies in a journal; one that is none opens nothing."""
        try:
            word = msgspec.json.decode(text, type=SessionWord)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        self.hear(word)

    def of(self, token: str, now_us: int) -> Session | None:
        """The session of a token, if it still holds."""
        return self._holding(key_of(token), now_us)

    def spend(self, ticket: str, now_us: int) -> Session | None:
        """The session that a ticket stands for, if it still holds; the ticket is used up."""
        with self._lock:
            key = self._tickets.pop(key_of(ticket), "")
        return self._holding(key, now_us)

    def _holding(self, key: str, now_us: int) -> Session | None:
        session = self._open.get(key)
        return None if session is None or session.until_us <= now_us else session
