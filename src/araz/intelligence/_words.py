"""The register's words: substances, units and modes, with the spellings the sources use."""

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

from araz.vocabulary import MESSAGES, phrase

#: What a word that is in no list becomes; the source's own word stays beside it.
UNLISTED: Final = "unlisted"

_SUBSTANCES: Final[dict[str, str]] = {
    "heroin": "heroin, heroine, brown heroin, white heroin, diacetylmorphine, героин",
    "opium": "opium, raw opium, prepared opium, liquid opium, opium gum, tiryək, опий",
    "morphine": "morphine, morphine base, морфин",
    "poppy": "poppy straw, opium poppy, poppy seeds, poppy plant, poppy capsules, maksimum, мак",
    "codeine": "codeine",
    "marijuana": "marijuana, marihuana, cannabis herb, cannabis herb (marijuana), "
    "herbal cannabis, cannabis, марихуана, "
    "marixuana, cannabis plant, cannabis plants",
    "hashish": "hashish, hash, cannabis resin, cannabis resin (hashish), charas, гашиш, həşiş",
    "cocaine": "cocaine, cocaine hydrochloride, cocaine base, crack, crack cocaine, coca paste, кокаин, kokain",
    "methamphetamine": "methamphetamine, meth, crystal meth, methamphetamine crystal, ice, shisheh, метамфетамин, "
    "metamfetamin",
    "amphetamine": "amphetamine, amphetamines, captagon, fenethylline, амфетамин",
    "ecstasy": "ecstasy, mdma, ecstasy-type substances",
    "fentanyl": "fentanyl",
    "methadone": "methadone, методон, метадон, metadon, methadone tablets",
    "buprenorphine": "buprenorphine, subutex, suboxone",
    "tramadol": "tramadol, трамадол",
    "pregabalin": "pregabalin, lyrica",
    "benzodiazepine": "benzodiazepine, benzodiazepines, diazepam, alprazolam, alprazolam (xanax), clonazepam, "
    "lorazepam, flunitrazepam",
    "ketamine": "ketamine, кетамин",
    "lsd": "lsd",
    "khat": "khat, khat (catha edulis), catha edulis",
    "psychotropic": "psychotropic, psychotropics, non-specified psychotropic substances, psychotropic substances",
    "nps": "non-specified nps, nps, new psychoactive substances, synthetic cannabinoids, synthetic cathinones",
    "precursor": "non-specified precursors, precursors, acetic anhydride, sulphuric acid, hydrochloric acid, acetone, "
    "ephedrine, pseudoephedrine, potassium permanganate",
    "alcohol": "alcohol",
    "other": "other, other drugs, other drugs**, others",
    "total": "total, all drugs",
}
_UNITS: Final[dict[tuple[str, float], str]] = {
    ("kg", 1.0): "kg, kilogram, kilograms, kilo, kilos, кг",
    ("kg", 1e-3): "g, gr, gram, grams, gramme, grammes, г",
    ("kg", 1e-6): "mg, milligram, milligrams",
    ("kg", 1e3): "t, tonne, tonnes, metric ton, metric tons, т",
    ("kg", 0.45359237): "lb, lbs, pound, pounds",
    ("kg", 0.028349523125): "oz, ounce, ounces",
    ("tablet", 1.0): "tablet, tablets, tab, tabs, pill, pills, ədəd həb, həb, таблетка, таблеток, таблетки",
    ("tablet", 1e3): "thousand of tablets, thousand tablets",
    ("capsule", 1.0): "capsule, capsules",
    ("ampoule", 1.0): "ampoule, ampoules, injection, injections, vial, vials",
    ("litre", 1.0): "litre, litres, liter, liters, l",
    ("litre", 1e-3): "ml, millilitre, millilitres, milliliter, milliliters",
    ("piece", 1.0): "piece, pieces, unit, units, package, packages, dose, doses, plant, plants",
    ("hectare", 1.0): "hectare, hectares, ha",
    ("hectare", 0.40468564224): "acre, acres",
}
_MODES: Final[dict[str, str]] = {
    "drone": "drone, uav, uas, unmanned aircraft, dron, pua, quadcopter, беспилотник",
    "foot": "foot, pedestrian, on foot, walker, pack animal, animal",
    "boat": "boat, river, small boat, inflatable",
    "sea": "sea, commercial sea, seaport, vessel, ship",
    "road": "road, commercial road, private road, car, truck, lorry, bus, vehicle, land crossing",
    "rail": "rail, train, railway",
    "air": "air, commercial air, private air, airport, aircraft",
    "mail": "mail, post, postal, parcel, courier",
    "other": "other",
}


class Unit(NamedTuple):
    """A reported unit in terms of the unit it may be summed in."""

    base: str
    factor: float


def _flat(words: str) -> list[str]:
    return [fold(word) for word in words.split(", ")]


def fold(text: str) -> str:
    """Return a word as it is compared: NFKC, case-folded, single spaces; letters of any script stay."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


SUBSTANCES: Final = {spelling: name for name, words in _SUBSTANCES.items() for spelling in _flat(words)}
UNITS: Final = {spelling: Unit(*unit) for unit, words in _UNITS.items() for spelling in _flat(words)}
MODES: Final = {spelling: name for name, words in _MODES.items() for spelling in _flat(words)}
SUBSTANCE_NAMES: Final = tuple(_SUBSTANCES)
MODE_NAMES: Final = tuple(_MODES)


def substance_of(word: str) -> str:
    """Return the register's name for a substance, or ``unlisted``."""
    return SUBSTANCES.get(fold(word), UNLISTED)


def unit_of(word: str) -> Unit | None:
    """Return the base unit and factor of a reported unit: 511.06 Gram = 0.51106 kg; None when it is not listed.

    Mass, tablets, capsules, ampoules, litres, pieces and hectares are separate bases: nothing converts between them.
    """
    return UNITS.get(fold(word))


def mode_of(word: str) -> str:
    """Return the transport mode of a reported word or phrase; empty when none, or more than one, is named in it."""
    text = fold(word)
    if text in MODES:
        return MODES[text]
    named = {MODES[token] for token in text.replace("(", " ").replace(",", " ").split() if token in MODES}
    return named.pop() if len(named) == 1 else ""


def substance_said(name: str) -> str:
    """A substance of the register in both languages; a source's own word as it stands."""
    return _term(f"substance.{name}", name)


def measure_said(unit: str) -> str:
    """A unit that amounts are summed in."""
    return _term(f"measure.{unit}", unit)


def place_said(title: str) -> str:
    """A place of a shipped network of routes."""
    return _term(f"place.{title.lower().replace(' ', '-')}", title)


def model_said(name: str) -> str:
    """A model of a series."""
    return _term(f"model.{name.lower().replace(' ', '-')}", name)


def judged(verdict: str) -> str:
    """What a claim is found to be."""
    return _term(f"judged.{verdict.replace(',', '').replace(' ', '-')}", verdict)


def kind_said(kind: str) -> str:
    """In what something moved: place, mode, hour or substance."""
    return _term(f"moved.kind-{kind}", kind)


def category_said(kind: str, category: str) -> str:
    """One category of such a kind, where it has a word of its own."""
    return _term(f"{kind}.{category}", category) if kind in ("mode", "substance") else category


def counted(seizures: int) -> str:
    """So many seizures."""
    return phrase("count.seizure") if seizures == 1 else phrase("count.seizures", n=f"{seizures:,}")


def _term(key: str, word: str) -> str:
    return phrase(key) if MESSAGES.get(key, ("",))[0] == word else word
