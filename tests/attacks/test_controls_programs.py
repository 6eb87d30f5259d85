"""Each control of what runs beside the broker holds something (tests/lib/attempts_programs.py):
with it the attempt gets nothing, and in the test build without it what it is after.  Where two
stand one behind the other, only without both."""
from itertools import combinations

import pytest

from attempts_programs import BY_ITSELF, ELSEWHERE, IN_A_WORLD, NotHere
from built import REPO
from ccrun import Ccrun
from controls import off


def shown(controls, attempt):
    """attempt(env) without none, without some, and without all of these."""
    for n in range(len(controls) + 1):
        for some in combinations(controls, n):
            try:
                found = attempt(off(*some))
            except NotHere as e:
                pytest.skip(str(e))
            assert found == (n == len(controls)), f"without {some or 'none'}"


def named(rows):
    return [pytest.param(*row, id=f"{'+'.join(row[0])}-{i}") for i, row in enumerate(rows)]


@pytest.mark.parametrize("controls, function", named(BY_ITSELF))
def test_a_program_holds(controls, function):
    shown(controls, function)


@pytest.mark.parametrize("controls, function", named(IN_A_WORLD))
def test_it_holds_for_a_person(ep, token, controls, function):
    def attempt(env):
        with Ccrun(ep) as world:
            world.demo()
            world.ready(token)
            return function(world, token, env)
    shown(controls, attempt)


def test_what_is_shown_elsewhere_is():
    for control, where in ELSEWHERE.items():
        assert f'"{control}"' in (REPO / "tests" / where).read_text(), (control, where)
