"""No sentence of a rule is missing in either language: the source of the rooms that speak is read, call by call."""

import ast
import re
from pathlib import Path

import pytest
from night import HEAVY, Script, play, smuggler

import araz
from araz.incidents._weights import DROP_CUES, LIKENESS_CUES
from araz.intelligence._forecast import MEAN, MODELS
from araz.vocabulary import (
    MESSAGES,
    Alarm,
    Incident,
    Phrase,
    Reason,
    Said,
    in_language,
    phrase,
    phrase_of,
    phrases_of,
    reason,
)
from spoken import plain_values

HOUSE = Path(araz.__file__).parent
#: Files in which the analyst's and the plan's pages say nothing beside the catalogue.
WHOLE = [
    *(HOUSE / "intelligence" / f"_{name}.py" for name in ("report", "forecast", "claims", "routes", "where", "series")),
    *(HOUSE / "deployment" / f"_{name}.py" for name in ("words", "ground")),
    HOUSE / "app" / "_seizure_answers.py",
]
#: Others whose sentences those pages show; they print for the command line too.
ANALYST = [
    *WHOLE,
    *(HOUSE / "intelligence" / f"_{name}.py" for name in ("words", "tables", "clean")),
    HOUSE / "deployment" / "_from_site.py",
    *(HOUSE / "app" / f"_{name}.py" for name in ("plan_desk", "register", "seizure_desk")),
    *(HOUSE / "app" / f"_seizures_{name}.py" for name in ("keep", "say", "report", "place")),
]
#: Every file whose words an officer, a technician, a patrol or the analyst reads.
ROOMS = [
    *ANALYST,
    *sorted((HOUSE / "incidents").glob("_*.py")),
    *sorted((HOUSE / "intercept").glob("_*.py")),
    *(HOUSE / "sensors" / f"_{name}.py" for name in ("health", "power", "corridors", "registration_health")),
    *(HOUSE / "tracking" / f"_registration_{name}.py" for name in ("book", "report")),
    HOUSE / "app" / "_corrections.py",
    HOUSE / "app" / "_views.py",
    HOUSE / "disclosure" / "_release.py",
    HOUSE / "evidence" / "_against.py",
    HOUSE / "app" / "_case_words.py",
]
#: Every file that can say something: all but the catalogue itself.
SAYING = sorted(path for path in HOUSE.rglob("*.py") if not path.name.startswith("_messages"))
PLACE = re.compile(r"\{(\w+)\}")


def places(key):
    return {name[0].lower() + name[1:] for name in PLACE.findall(MESSAGES[key][0])}


def keys_of(node):
    """The keys a first argument can be: a literal, one of two, or all of an f-string's family."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*keys_of(node.body), *keys_of(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in node.values]
        return [key for key in MESSAGES if re.fullmatch("".join(parts), key)]
    return []


def calls():
    """Each call of ``phrase`` in the house: where, its possible keys, its keywords, whether it spreads a dictionary."""
    for path in SAYING:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                names = {word.arg for word in node.keywords if word.arg}
                spreads = any(word.arg is None for word in node.keywords)
                yield f"{path.name}:{node.lineno}", keys_of(node.args[0]), names, spreads


def test_each_call_names_a_key_of_the_catalogue_and_gives_all_its_values():
    found = list(calls())
    assert len(found) > 150, "the pattern finds the calls at all"
    for where, keys, names, spreads in found:
        assert set(keys) <= set(MESSAGES), where
        fits = [names <= places(key) if spreads else names == places(key) for key in keys]
        # An f-string's pattern takes in a neighbouring family too: then some of the keys must fit, else all.
        assert any(fits) or not keys, f"{where}: {names}"
        assert all(fits) or len(keys) > 2, f"{where}: {keys} need {[places(key) for key in keys]}, not {names}"


def test_each_message_of_the_rules_is_said_by_a_rule():
    source = "\n".join(path.read_text(encoding="utf-8") for path in SAYING)
    families = {key for _, keys, _, _ in calls() for key in keys}
    made = (node for path in SAYING for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    families |= {key for node in made if isinstance(node, ast.JoinedStr) and _names(node) for key in keys_of(node)}
    unsaid = {
        key
        for key in MESSAGES
        if f'"{key}"' not in source and key not in families and key.partition(".")[0] not in ("case", "custody", "text")
    }
    assert {key for key in unsaid if key.partition(".")[0] not in TERMS} == set()


def _names(text):
    """Whether an f-string begins as a key does, with its family."""
    return isinstance(text.values[0], ast.Constant) and re.match(r"[a-z-]+\.[a-z-]", text.values[0].value)


#: Families that are asked for by a value of the vocabulary.
TERMS = {"incident", "alarm", "outcome", "class", "verdict", "state", "sensor-kind", "unit", "component", "claim-zone",
         "substance", "measure", "model", "calendar", "mode", "place", "judged"}  # fmt: skip


def test_no_sentence_stands_in_the_rooms_beside_the_catalogue():
    names = {cue.name for cue in (*LIKENESS_CUES, *DROP_CUES)} | {"false identity", "drop area", "no reason"}
    names |= {MEAN, *MODELS, "at least", "at most", "per cent", "all drugs"}
    names |= {english for key, (english, _) in MESSAGES.items() if key.startswith("judged.")}
    for path in ROOMS:
        rules = path.parent.name in ("incidents", "intercept", "sensors", "tracking") and path.name != "_weights.py"
        if not rules and path not in WHOLE:
            continue  # refusals to who asks for a release, and the table of the documentation
        tree = ast.parse(path.read_text(encoding="utf-8"))
        quiet = {id(inner) for node in ast.walk(tree) if _is_quiet(node) for inner in ast.walk(node)}
        loud = [
            (path.name, node.lineno, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
            and re.search(r"[a-z]{2,}[,;:]? [a-z]{2,}", node.value) and node.value not in names
            and not re.search(r"[<{]|=\"", node.value)  # a page's own shape
        ]  # fmt: skip
        assert loud == []


def _is_quiet(node):
    """Docstrings, and what a technician reads when a message or a setting was wrong."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    is_refusal = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Rejected", "ValueError")
    is_errors = isinstance(node, ast.FunctionDef) and node.name in ("problem", "step_problem", "why_not")
    return is_refusal or is_errors or isinstance(node, ast.Raise)


def test_what_the_analysts_pages_are_refused_with_is_in_the_catalogue():
    #: Where a network of the command line's own is read, and a question that no page asks.
    beside = {"the network: {}", "the network's legs name {}, which is no node of it", "{} is neither loads nor kg",
              "more than {} paths; lower `longest`, or leave out legs"}  # fmt: skip
    for path in WHOLE:
        raised = [n.exc for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Raise)]
        said = [call.args[0] for call in raised if isinstance(call, ast.Call) and call.func.id == "ValueError"]
        english = {_template(one) for one in said if isinstance(one, ast.Constant | ast.JoinedStr)}
        assert english <= beside, path.name


def _template(node):
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)


def test_a_reason_is_made_by_the_catalogue_alone():
    for path in sorted((HOUSE / "incidents").glob("_*.py")):
        made = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not [n.lineno for n in made if getattr(n.func, "id", "") == "Reason"], path.name


def test_a_night_of_a_smuggler_reads_whole_in_azerbaijani(place, table):
    beside = Script(2, [(0.0, 0.0, 900.0, 60.0), (90.0, 0.0, 900.0, 60.0)], chance=HEAVY)
    _, events = play(place, table, [smuggler(), beside], 420.0)
    card = [one for one in events if isinstance(one, Alarm)][-1]
    words = in_language(phrase_of(card.sentence, card.said), "az")
    assert "Saat" in words
    assert "içəridə buraxıb" in words
    assert [in_language(one, "az") for one in phrases_of(card.not_seen, card.not_seen_said)]
    kinds = {one.kind.value for one in events if isinstance(one, Incident)}
    assert {"crossing", "drop", "returned"} <= kinds


def test_english_is_what_it_was_and_the_other_language_has_the_same_values():
    one = phrase("card.landed", distance="2.1 km")
    assert one == "landed 2.1 km inside."
    assert "2.1 km" in in_language(one, "az")
    assert list(plain_values(one.said)) == ["2.1 km"]
    big = phrase("card.stands", what=phrase("class.bird"), identity=phrase("says.nothing"), speed=12, height="40",
                 heard="", story=phrase("card.back"))  # fmt: skip
    assert big.startswith("Bird, no Remote ID, 12 m/s")
    assert in_language(big, "az").startswith("Quş, Remote ID yoxdur, 12 m/san")
    # A capital i has a dot in Azerbaijani.
    capital = in_language(phrase("card.stands", what=phrase("text.plain", text="iz"), identity="x", speed=1, height="1",
                                 heard="", story="y"), "az")  # fmt: skip
    assert capital.startswith("İz,")


def test_records_of_before_and_of_later_versions_are_read():
    assert in_language(phrase_of("an old sentence", None), "az") == "an old sentence"
    later = Said("rule.of-tomorrow", {"x": "1"})
    assert in_language(phrase_of("a later sentence", later), "az") == "a later sentence"
    lacking = Said("card.landed", {})
    assert in_language(phrase_of("landed there", lacking), "az") == "landed there"
    with pytest.raises(ValueError, match="choose one of en, az"):
        in_language("x", "ru")


def test_an_unknown_key_or_a_missing_value_is_our_own_fault_at_once():
    with pytest.raises(KeyError):
        phrase("card.nothing-like-it")
    with pytest.raises(KeyError):
        phrase("card.landed")


def test_a_plain_text_stays_as_it_is_in_every_language():
    one = reason("typed by a person", 0.5)
    assert one == Reason(text="typed by a person", weight=0.5, said=Said("text.plain", {"text": "typed by a person"}))
    assert not isinstance(one.text, Phrase)
    assert in_language(phrase_of(one.text, one.said), "az") == "typed by a person"
