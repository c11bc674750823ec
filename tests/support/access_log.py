"""The journal in which a console without a night notes who read what."""

from __future__ import annotations

import json
import time

from araz.app._aside import ACCESS_SOURCE
from araz.store import Journal, read_journal


class AccessLog:
    """What `open_entrance` notes, in a journal of its own."""

    def __init__(self, path):
        self.path, self._journal = path, Journal.open(path)

    async def __call__(self, source, payload):
        self._journal.append([(time.time_ns() // 1000, source, payload)])

    def said(self):
        return [json.loads(one.payload) for one in read_journal(self.path) if one.source == ACCESS_SOURCE]

    def close(self):
        self._journal.close()
