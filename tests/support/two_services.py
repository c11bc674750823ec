"""A centre of two services, one of which hides a radar from the other: the real console over a simulated night."""

from __future__ import annotations

import asyncio
import itertools

from litestar.testing import TestClient

from araz.app._accounts import Entrance
from araz.app._config import SITE_SOURCE, site_from_bundle
from araz.app._live import Live, console_of
from araz.app._passkeys import Passkeys
from araz.app._runtime import Night
from araz.console import Account, Gate, Hub, Role
from araz.simulation import simulate
from araz.store import read_journal
from araz_testing import missing
from hidden_lab import OURS, THEIRS, bundle, flights, site_toml


class Direct(Live):
    """A live night without its loops: what is submitted is taken at once."""

    async def submit(self, source, payload):
        taken = await asyncio.to_thread(self.night.take, [(self.clock(), source, payload)])
        self.tell(self.clock())
        return taken[0]


class Centre:
    def __init__(self, root, out):
        if not (root / "src" / "araz" / "console" / "static" / "index.html").exists():
            missing("the built map (make ui)")
        text = site_toml().replace(f'owner = "{OURS}"', f'owner = "{OURS}"\nshown_to = ["{THEIRS}"]')
        self.night = Night(out, log_events=False, services=[OURS, THEIRS, "customs"])
        scenario = flights(4)
        self.now_us = scenario.start_us
        self.night.take([(scenario.start_us, SITE_SOURCE, bundle(text))])
        live = Direct(self.night, Hub(), lambda: self.now_us)
        for view in self.night.views.all():
            live.watch_view(view)
        night = simulate(scenario, site_from_bundle(bundle(text))[1], 3)
        arrivals = list(itertools.islice(night.messages, 1200))
        for start in range(0, len(arrivals), 100):
            self.night.take(arrivals[start : start + 100])
        self.now_us = arrivals[-1][0]
        self.shown_us = self.night.records.picture_span()[1]
        for view in self.night.views.all():
            live._show_view(view)

        async def note(_):
            pass

        def check(name, password):
            role, service, _ = [*name.split("|"), "", ""][:3]
            if role not in list(Role):
                return None
            return Account(id=name, role=Role(role), service=service, password_hash="")

        passkeys = Passkeys(out / "passkeys.json", {}, lambda: self.now_us)
        entrance = Entrance(Gate(check, note, lambda: self.now_us), passkeys, None)
        self.app = console_of(live, ["127.0.0.1", "localhost"], entrance)
        self.client = TestClient(self.app, base_url="https://127.0.0.1")

    def __enter__(self):
        self.client.__enter__()
        return self

    def __exit__(self, *why):
        self.client.__exit__(*why)
        self.night.close()

    def messages(self):
        return list(read_journal(self.night.out / "night.journal"))

    def sign_in(self, role, service, number=1):
        body = {"account": f"{role}|{service}|{number}", "password": "x", "purpose": "duty"}
        answer = self.client.post("/api/session", json=body)
        self.client.cookies.clear()
        return {"cookie": answer.headers["set-cookie"].split(";")[0]}

    def get(self, path, headers):
        query = {"/api/picture": f"at_us={self.shown_us}", "/api/screen": f"at_us={self.shown_us}",
                 "/api/pictures": f"from_us=0&to_us={self.shown_us}", "/api/rejects": "sensor=open-radar"}  # fmt: skip
        return self.client.get(f"{path}?{query.get(path, '')}", headers=headers)
