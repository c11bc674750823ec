"""The made-up sector, made once for each file of tests."""

import pytest
from night import make_place, make_table


@pytest.fixture(scope="module")
def place():
    return make_place()


@pytest.fixture(scope="module")
def table(place):
    return make_table(place)
