"""The bill of materials is what pip says is installed, whole, valid, and the same twice."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]


def made(out):
    subprocess.run([sys.executable, "tools/sbom.py", "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bill(tmp_path_factory):
    return made(tmp_path_factory.mktemp("sbom") / "a.json")


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_is_what_pip_has_installed(bill):
    said = subprocess.run([sys.executable, "-m", "pip", "inspect"], check=True, capture_output=True, text=True).stdout
    installed = {plain(one["metadata"]["name"]): one["metadata"]["version"] for one in json.loads(said)["installed"]}
    listed = {plain(one["name"]): one["version"] for one in json.loads(bill)["components"]}
    assert {name: installed.get(name) for name in listed} == listed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {plain(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}
    assert asked <= set(listed)
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & set(listed)


def test_every_part_of_the_graph_is_listed(bill):
    found = json.loads(bill)
    names = {one["bom-ref"] for one in found["components"]} | {found["metadata"]["component"]["bom-ref"]}
    reached, waiting = set(), [found["metadata"]["component"]["bom-ref"]]
    graph = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += graph[name]
    assert reached == names


def test_it_is_valid_and_the_same_twice(bill, tmp_path):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.replace('"library"', '"book"', 1)) is not None
    assert made(tmp_path / "b.json") == bill
