"""What is small enough to be looked at as a whole: each decision of the broker about an entry,
each order of what can happen to a session."""
import re
import subprocess

import pytest

from built import SHIPPED
from client import REPO

HERE = REPO / "tests/proofs"
PROGRAMS = SHIPPED / "tests"


def test_the_policys_decision_in_every_state():
    r = subprocess.run([PROGRAMS / "prove_policy"], capture_output=True, text=True, check=False)
    assert r.returncode == 0, r.stderr
    assert int(re.match(r"(\d+) states", r.stdout).group(1)) == 37324800


def table():
    return subprocess.run([PROGRAMS / "show_session"], capture_output=True, text=True, check=True).stdout


def searched(where, steps):
    """What spin's verifier says of the model with this table."""
    (where / "session.pml").write_text(steps + (HERE / "session.pml").read_text())
    for argv in (["spin", "-a", "session.pml"], ["gcc", "-O0", "-w", "-DSAFETY", "-o", "pan", "pan.c"],
                 ["./pan", "-m100000"]):
        r = subprocess.run(argv, cwd=where, capture_output=True, text=True, check=True)
    return r.stdout


def test_a_sessions_life_in_every_order(tmp_path):
    out = searched(tmp_path, table())
    assert "errors: 0" in out, out
    assert "max search depth too small" not in out


@pytest.mark.parametrize("row,wrong", [
    ("event == {CLAIM} && state == {ARRIVED}", "event == {CLAIM} && state == {OPENED}"),
    ("event == {CLAIM} && state == {OPENED} && delivery == {ENV}", "event == {CLAIM} && state == {OPENED}"),
    ("event == {AGAIN} && state == {OPENED} && resumed", "event == {AGAIN} && state == {OPENED}"),
    ("event == {PIPE} && state == {OPENED}", "event == {PIPE}"),
    ("event == {OPEN} && state == {NONE}", "event == {OPEN}")],
    ids=["claimed before it arrived", "claimed beside a relay", "again before the first", "piped twice",
         "opened twice"])
def test_the_model_sees_a_wrong_table(tmp_path, row, wrong):
    steps = table()
    number = dict(re.findall(r"#define (\w+) (\d+)", steps))
    number |= {"ARRIVED": "2", "OPENED": "1", "ENV": number["BY_ENV"]}
    old = row.format(**number)
    assert old in steps
    out = searched(tmp_path, steps.replace(old, wrong.format(**number), 1))
    assert "errors: 0" not in out, out
