"""Who may do what: one table of roles and paths; what is not in it, nobody with an account may do."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """The users of a joint centre, by their job."""

    OFFICER = "officer"
    """Duty officer: sees all, decides."""
    LIAISON = "liaison"
    """Second service: sees the same, decides nothing here."""
    PATROL = "patrol"
    """Patrol commander: sees picture and alarms, reports."""
    TECHNICIAN = "technician"
    """Sensor technician: health and rejected input, no alarms, no people."""
    ANALYST = "analyst"
    """Analyst: pictures and incidents, seizures and what may be said of them, the plan."""
    EXAMINER = "examiner"
    """Digital forensic examiner: pictures and sensors, to match a seized log."""
    PROSECUTOR = "prosecutor"
    """Prosecutor or judge: incidents, alarms and decisions, after the fact."""
    COMMANDER = "commander"
    """Commander or auditor: reads everything, orders drills, asks the plan what if, changes nothing else."""


class Rule(NamedTuple):
    """Who may use one path; ``is_personal``: each use is logged with its purpose before the answer."""

    roles: frozenset[Role]
    is_personal: bool = False


_O, _L, _P, _T, _A, _E, _J, _C = Role
_ALL: Final = frozenset(Role)
#: Open to everybody who reaches the port: the page to sign in with its program (public code, no data), the ways to do
#: it, and whether the service lives.
OPEN: Final = frozenset(
    {
        ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/signin"), ("GET", "/assets"), ("GET", "/favicon.svg"),
        ("GET", "/api/signin"), ("POST", "/api/session"), ("POST", "/api/signin/passkey-options"),
        ("POST", "/api/signin/passkey"), ("POST", "/api/signin/ticket"),
        ("GET", "/signin/provider"), ("GET", "/signin/back"),
    }
)  # fmt: skip
#: Method and path as the application has them: who may.
ACCESS: Final[dict[tuple[str, str], Rule]] = {
    ("GET", "/"): Rule(_ALL - {_P}),
    ("GET", "/patrol"): Rule(frozenset({_O, _P})),
    ("GET", "/sw.js"): Rule(_ALL),
    ("GET", "/schema"): Rule(_ALL),
    ("GET", "/metrics"): Rule(frozenset({_T, _C})),
    ("GET", "/api/session"): Rule(_ALL),
    ("DELETE", "/api/session"): Rule(_ALL),
    ("POST", "/api/session/ticket"): Rule(_ALL),
    ("GET", "/api/passkeys"): Rule(_ALL),
    ("POST", "/api/passkeys"): Rule(_ALL),
    ("DELETE", "/api/passkeys"): Rule(_ALL),
    ("POST", "/api/passkeys/options"): Rule(_ALL),
    ("GET", "/api/site"): Rule(_ALL),
    ("GET", "/api/alarms"): Rule(frozenset({_O, _L, _P, _J, _C}), is_personal=True),
    ("GET", "/api/incidents"): Rule(frozenset({_O, _L, _A, _E, _J, _C}), is_personal=True),
    ("GET", "/api/decisions"): Rule(frozenset({_O, _L, _P, _J, _C}), is_personal=True),
    ("GET", "/api/health"): Rule(_ALL - {_J}),
    ("GET", "/api/pictures"): Rule(_ALL - {_T}, is_personal=True),
    ("GET", "/api/picture"): Rule(_ALL - {_T}, is_personal=True),
    ("GET", "/api/rejects"): Rule(frozenset({_O, _T, _C}), is_personal=True),
    ("GET", "/api/screen"): Rule(frozenset({_O, _L, _J, _C}), is_personal=True),
    ("GET", "/api/alarm-figures"): Rule(frozenset({_O, _L, _C})),
    ("GET", "/api/alarm-months"): Rule(frozenset({_O, _L, _C})),
    ("GET", "/api/coverage"): Rule(_ALL - {_J}),
    ("GET", "/api/search"): Rule(frozenset({_O, _L, _P, _C}), is_personal=True),
    ("GET", "/api/drills"): Rule(frozenset({_O, _C}), is_personal=True),
    ("GET", "/api/releases"): Rule(frozenset({_O, _L, _C}), is_personal=True),
    ("POST", "/api/releases"): Rule(frozenset({_O, _L, _C}), is_personal=True),
    ("GET", "/api/plan"): Rule(frozenset({_A, _C})),
    ("GET", "/api/seizures"): Rule(frozenset({_A, _C})),
    ("GET", "/api/seizures/report"): Rule(frozenset({_A, _J, _C})),
    ("GET", "/api/seizures/report.html"): Rule(frozenset({_A, _J, _C})),
    ("GET", "/api/seizures/composition"): Rule(frozenset({_A, _J, _C})),
    ("GET", "/api/seizures/history"): Rule(frozenset({_A, _C})),
    ("GET", "/api/seizures/series"): Rule(frozenset({_A, _J, _C})),
    ("GET", "/api/seizures/routes"): Rule(frozenset({_A, _J, _C})),
    ("WEBSOCKET", "/api/live"): Rule(frozenset({_O, _L, _P, _C}), is_personal=True),
    ("POST", "/api/decisions"): Rule(frozenset({_O})),
    ("POST", "/api/reports"): Rule(frozenset({_O, _P})),
    ("POST", "/api/weather"): Rule(frozenset({_O, _T})),
    ("POST", "/api/drills"): Rule(frozenset({_C})),
    ("POST", "/api/plan"): Rule(frozenset({_A, _C})),
    ("POST", "/api/seizures/claims"): Rule(frozenset({_A, _C})),
    ("POST", "/api/seizures/where"): Rule(frozenset({_A, _C})),
    ("POST", "/api/seizures/crews"): Rule(frozenset({_A, _C})),
    ("POST", "/api/seizures/displacement"): Rule(frozenset({_A, _C})),
}


def _key(method: str, path: str) -> tuple[str, str]:
    if path.startswith("/assets/"):
        path = "/assets"
    return "GET" if method == "HEAD" else method, path.rstrip("/") or "/"


def is_open(method: str, path: str) -> bool:
    """Whether anybody may ask for this without signing in."""
    return _key(method, path) in OPEN


def rule_of(method: str, path: str) -> Rule | None:
    """The rule for a request; None where there is none, which forbids it."""
    return ACCESS.get(_key(method, path))


def access_table() -> str:
    """The table as Markdown, for docs/security.md."""
    lines = ["| path | " + " | ".join(Role) + " | logged |", "|---" * (len(Role) + 2) + "|"]
    for (method, path), rule in ACCESS.items():
        cells = ["yes" if role in rule.roles else "" for role in Role]
        lines.append(f"| {method} {path} | " + " | ".join(cells) + f" | {'yes' if rule.is_personal else ''} |")
    lines += ["", "Open to everybody who reaches the port: " + ", ".join(f"`{m} {p}`" for m, p in sorted(OPEN)) + "."]
    return "\n".join(lines) + "\n"
