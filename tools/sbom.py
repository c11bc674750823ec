"""Write the bill of materials of this installation: Araz and every library it needs, CycloneDX 1.6 as JSON.

python tools/sbom.py --out out/araz.cdx.json

What is listed is what is installed: the closure of Araz's own requirements, extras and development tools left out. The
same environment gives the same bytes: serial number and time are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "araz"


def needs(name: str, extras: frozenset[str] = frozenset()) -> list[tuple[str, frozenset[str]]]:
    """The installed distributions that one needs here, with the extras asked of each."""
    out = []
    for line in metadata.requires(name) or []:
        wanted = Requirement(line)
        environments = [{"extra": extra} for extra in (*sorted(extras), "")]
        if wanted.marker is None or any(wanted.marker.evaluate(one) for one in environments):
            out.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    return out


def closure() -> dict[str, list[str]]:
    """Every distribution Araz needs, with those it needs itself; ValueError when one is not installed."""
    found: dict[str, list[str]] = {}
    waiting = [(ROOT, frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        try:
            below = needs(name, extras)
        except metadata.PackageNotFoundError:
            raise ValueError(f"{name} is needed and not installed; run: make install") from None
        known = found.get(name)
        found[name] = sorted({*(known or []), *(one for one, _ in below)})
        if known != found[name]:
            waiting += below
    return found


def component(name: str) -> Component:
    """One distribution as installed."""
    about = metadata.metadata(name)
    said = about.get("License-Expression") or about.get("License") or ""
    version = metadata.version(name)
    return Component(
        name=name, version=version, bom_ref=f"pkg:pypi/{name}@{version}",
        type=ComponentType.APPLICATION if name == ROOT else ComponentType.LIBRARY,
        purl=PackageURL("pypi", None, name, version),
        licenses=[DisjunctiveLicense(name=said.splitlines()[0][:100])] if said.strip() else [],
    )  # fmt: skip


def sbom() -> str:
    """The bill as JSON, held against the schema of CycloneDX before anybody sees it."""
    graph = closure()
    made = {name: component(name) for name in sorted(graph)}
    bom = Bom(components=[one for name, one in made.items() if name != ROOT])
    bom.metadata.component = made[ROOT]
    for name, below in graph.items():
        bom.register_dependency(made[name], [made[one] for one in below])
    text = JsonV1Dot6(bom).output_as_string()
    found: dict[str, Any] = json.loads(text)
    del found["serialNumber"], found["metadata"]["timestamp"]
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    objection = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if objection is not None:
        raise ValueError(f"this is no CycloneDX: {objection}")
    return text


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/araz.cdx.json"))
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    text = sbom()
    out.write_text(text, encoding="utf-8")
    print(f"{out}: {len(json.loads(text)['components'])} libraries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
