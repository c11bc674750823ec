"""Every length in our tables against libasterix's generated specification, for every supported edition."""

import pytest
from asterix import base, generated

from araz.sensors._asterix_tables import EDITIONS, UAPS, Chained, Compound, Explicit, Repeated

#: I062/380's 25th sub-item was renamed in edition 1.20; its bits are the same.
SAME_NAME = {"BDSDATA": "MB"}
CASES = [(category, edition) for category, editions in EDITIONS.items() for edition in editions]


def specification(category, edition):
    wanted = tuple(int(part) for part in edition.split("."))
    return next(spec for spec in generated.manifest["CATS"][category] if spec.cv_edition == wanted)


def octets(variation):
    assert variation.cv_bit_size % 8 == 0
    return variation.cv_bit_size // 8


def part_bits(group):
    return sum(1 if item is None else item[1] for item in group)


def shape_of(variation):
    if issubclass(variation, (base.Element, base.Group)):
        return octets(variation)
    if issubclass(variation, base.Extended):
        assert all(part_bits(group) == 8 and group[-1] is None for group in variation.cv_items_list)
        return Chained(1)
    if issubclass(variation, base.Repetitive):
        inner = variation.cv_variation.cv_bit_size
        if variation.cv_rep_bytes is None:
            assert (inner + 1) % 8 == 0
            return Chained((inner + 1) // 8)
        assert variation.cv_rep_bytes == 1
        return Repeated(octets(variation.cv_variation))
    if issubclass(variation, base.Explicit):
        return Explicit()
    assert issubclass(variation, base.Compound)
    return Compound(tuple(None if part is None else named(part) for part in variation.cv_items_list))


def named(item):
    return SAME_NAME.get(item.cv_name, item.cv_name), shape_of(item.cv_rule.cv_variation)


@pytest.mark.parametrize(("category", "edition"), CASES)
def test_lengths_are_those_of_libasterix(category, edition):
    record = specification(category, edition).cv_uap.cv_record
    theirs = [named(item.cv_non_spare) if issubclass(item, base.UapItem) else None for item in record.cv_items_list]
    ours = list(UAPS[category])
    # libasterix fills the profile with spare places up to a whole octet of the field specification
    assert theirs[: len(ours)] == ours
    assert not any(theirs[len(ours) :])


def test_every_edition_libasterix_knows_is_supported():
    for category, editions in EDITIONS.items():
        theirs = {".".join(map(str, spec.cv_edition)) for spec in generated.manifest["CATS"][category]}
        assert set(editions) == theirs
