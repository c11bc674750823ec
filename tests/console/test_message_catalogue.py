"""One catalogue, two languages: the browser's source is read, and what it asks for must be there in both."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "console-ui" / "src"
#: Python speaks from these; the first two reach the browser inside records.
SPOKEN = ("rules.json", "terms.json", "case.json", "refusals.json", "analyst.json")
FILES = sorted((UI / "messages").glob("*.json"))
PAIRS = [(path.name, json.loads(path.read_text(), object_pairs_hook=list)) for path in FILES]
CATALOGUE = {key: dict(said) for _, pairs in PAIRS for key, said in pairs}
SOURCES = [*UI.rglob("*.ts"), *UI.rglob("*.svelte")]
#: Letters that English does not have and a page in Azerbaijani cannot do without.
AZERBAIJANI = set("əğıöşçüƏĞİÖŞÇÜ")


def text():
    return "\n".join(path.read_text() for path in SOURCES if path.name != "vocabulary.ts")


def places(said):
    """The places of a template; ``{What}`` is ``what`` with a capital letter."""
    return sorted(name[0].lower() + name[1:] for name in re.findall(r"\{(\w+)\}", said))


def test_no_key_is_said_twice():
    keys = [key for _, pairs in PAIRS for key, _ in pairs]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_both_languages_say_the_same_places(key):
    said = CATALOGUE[key]
    assert set(said) == {"en", "az"}
    assert all(words.strip() for words in said.values())
    assert places(said["en"]) == places(said["az"])


def test_every_key_the_source_names_is_in_the_catalogue():
    asked = set(re.findall(r"""["'`]([a-z]+\.[a-z0-9-]+)["'`]""", text()))
    prefixes = {key.split(".")[0] for key in CATALOGUE}
    named = {key for key in asked if key.split(".")[0] in prefixes and not key.startswith("araz.")}
    assert len(named) > 100, "the pattern finds the keys at all"
    assert named - set(CATALOGUE) == set()


def test_every_key_is_used_somewhere():
    ours = {key for name, pairs in PAIRS if name not in SPOKEN for key, _ in pairs}
    source = text()
    families = set(re.findall(r"`([a-z.-]+)\.\$\{", source))
    pages = {path.stem for path in (UI / "pages").glob("*.ts")}
    unused = {
        key
        for key in ours
        if f'"{key}"' not in source
        and key.rpartition(".")[0] not in families
        and key.removeprefix("help.").removeprefix("page.") not in pages
        and not any(key.startswith(f"{family}.") for family in families)
    }
    assert unused == set()


def test_the_second_language_is_azerbaijani():
    different = [said for said in CATALOGUE.values() if said["en"] != said["az"]]
    assert len(different) > 0.9 * len(CATALOGUE)
    assert sum(bool(AZERBAIJANI & set(said["az"])) for said in different) > 0.6 * len(different)


def test_every_page_has_a_key_of_its_own():
    keys = re.findall(r'key: "(.)"', "\n".join(path.read_text() for path in (UI / "pages").glob("*.ts")))
    actions = re.findall(r'^  (?:"(.)"|(\w)): \(\) =>', (UI / "state" / "keys.ts").read_text(), re.M)
    taken = {a or b for a, b in actions} | set("12345")
    assert {"a", "r", "l", "0"} <= taken, "the pattern finds the keys of the actions"
    assert len(keys) == len(list((UI / "pages").glob("*.ts"))) == len(set(keys))
    assert not taken & set(keys)
