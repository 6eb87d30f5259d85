"""The short form of the moves between a person's broker and the system's."""
import pytest

import moves

pytestmark = pytest.mark.root


def none_wrong(result, least):
    points, faults = result
    assert not faults, "\n".join(faults)
    assert points >= least


def test_a_move_killed(machine):
    none_wrong(moves.crash_move(machine, moves.MOVES[0], 20, ["own"]), 2)


def test_a_move_whose_computer_loses_power(machine):
    none_wrong(moves.lose_power(machine, moves.MOVES[1], 50), 2)


def test_a_move_that_is_refused_something(machine):
    none_wrong(moves.refuse_move(machine, moves.MOVES[1], 250), 2)


def test_a_vault_that_was_not_synced_where_it_goes_to_would_be_found(machine):
    with moves.Scene(machine, moves.MOVES[0]) as s:
        disks, lines, _ = moves.record(s)
        for line in lines:
            if not (line.startswith("sync\t") and str(moves.STATE) in line):
                disks.take(line)
        lost = next(tree for _, tree in disks.trees() if str(s.person.place / "vault") not in tree)
        s.put(lost, disks.modes)
        assert "there is no whole vault" in s.judge()
