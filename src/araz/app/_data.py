"""Where the shipped sites and scenarios lie (in a wheel, or beside the source tree); names of a night's files."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
#: The database of what was said and the log of it, beside the journal; all of it follows from the journal again.
RECORDS = "records.sqlite"
EVENTS = "events.jsonl"
#: The register of seizures, unless another is named.
REGISTER = Path("out/register.sqlite")
#: What each service that sees a part of the night is told, a folder of records for each.
VIEWS = "views"
#: By which software all of this was derived.
JUDGED = "judged.json"
DERIVED = (RECORDS, f"{RECORDS}-wal", f"{RECORDS}-shm", EVENTS, VIEWS, JUDGED)


def data_dir(kind: str) -> Path:
    """Return the folder of ``sites`` or ``scenarios``; raises FileNotFoundError when the installation lacks it."""
    for candidate in (PACKAGE / "data" / kind, PACKAGE.parent.parent / kind):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation has no {kind}; reinstall araz or run it from its source tree")


def demo_files() -> tuple[Path, Path]:
    """Return the shipped journal and truth of the demo night."""
    folder = data_dir("scenarios") / "demo"
    return folder / "night.journal.xz", folder / "truth.jsonl.xz"


def site_path(name_or_path: str) -> Path:
    """Return the site file for a path or the name of a shipped site (``horadiz``)."""
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.exists():
        return path / "site.toml" if path.is_dir() else path
    return data_dir("sites") / name_or_path / "site.toml"


def scenario_path(name_or_path: str) -> Path:
    """Return the scenario file for a path or a shipped name (``demo``, ``C1``); raises with the names there are."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return path
    folder = data_dir("scenarios")
    for candidate in sorted(folder.glob("*.toml")):
        if candidate.stem.lower() == name_or_path.lower():
            return candidate
    names = ", ".join(sorted(item.stem for item in folder.glob("*.toml")))
    raise FileNotFoundError(f"no scenario {name_or_path!r}; shipped are {names}; or give a path that ends in .toml")
