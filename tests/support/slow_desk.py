"""A desk whose answers take as long as a test wants, made in the process that answers questions."""

import os
import time
from pathlib import Path

from araz.console import Refused
from araz.vocabulary import phrase


class SlowDesk:
    def for_ever(self, sign: str) -> bytes:
        """Say by a file that it began, and never end."""
        Path(sign).write_text("begun")
        while True:
            time.sleep(0.05)

    def who(self) -> bytes:
        return str(os.getpid()).encode()

    def wrong(self) -> bytes:
        raise ValueError(phrase("refusal.no-day", text="'x'"))

    def refused(self) -> bytes:
        raise Refused(403, "partial-view", phrase("refusal.partial"), phrase("refusal.ask-whole"))

    def broken(self) -> bytes:
        return str({}["nothing"]).encode()

    def dies(self) -> bytes:
        os._exit(3)


def slow_desk() -> SlowDesk:
    return SlowDesk()
