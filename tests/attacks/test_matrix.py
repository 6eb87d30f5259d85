"""The agent's attacks (matrix/): what takes little time of them, and that they are attacks.
make attack runs all of them."""
import subprocess
import sys
from pathlib import Path

import pytest

import controls

HERE = Path(__file__).resolve().parent / "matrix"
sys.path.append(str(HERE))

import table
from shown import RANK, UNTRIED, Kept
from techniques import GIVEN, TECHNIQUES
from without import CONTROLS

# Without ccrun they must come to this, else they are no attacks.
WITHOUT = {"ptrace-attach": "R", "vm-readv": "R", "proc-mem": "R", "proc-environ": "R", "own-state": "R",
           "url-in-user": "R", "proxies": "R"}


def run(*words):
    return subprocess.run([sys.executable, str(HERE / "run.py"), *words], capture_output=True, text=True, timeout=280)


def test_every_cell_is_stated():
    kept = Kept()
    assert {(kind, name) for kind, name, _ in kept.rows} == {(t.kind, t.id) for t in TECHNIQUES}
    assert len(kept.rows) == len(set(kept.rows)) >= 80
    for column in kept.columns:
        unstated = {name: x for name, x in kept.cells[column].items() if x not in RANK + UNTRIED or x == "?"}
        assert not unstated, (column, unstated)


def test_by_relay_nothing_is_read():
    kept, given = Kept(), {t.id for t in TECHNIQUES if t.kind == GIVEN}
    for column in kept.columns:
        read = {name for name, x in kept.cells[column].items() if x == "R"}
        assert "relay" not in column or read <= given, (column, read - given)


def test_a_read_by_relay_fails_whatever_is_kept(capsys):
    found = {"user-relay": {"proc-mem": "R", "planted-ccctl": "R"}, "user-preload": {"race-client": "R"}}
    assert table.report(found, []) == 1
    said = capsys.readouterr().out
    assert "reads: user-relay 1, user-preload 1\n" in said
    assert "the key or the passphrase is read, by relay:\n    user-relay proc-mem\n" in said


def test_controls_are_the_projects():
    assert {name for words in CONTROLS for name in words.split(",")} <= set(controls.names())
    assert {name for _, name in CONTROLS.values()} <= {t.id for t in TECHNIQUES}


@pytest.mark.parametrize("column", ["user-relay", "user-preload"])
def test_no_cell_is_worse_than_what_is_kept(column):
    r = run("--columns", column, "--fast", "-v")
    assert r.returncode == 0, r.stdout + r.stderr


def test_control_without_ccrun_the_same_attacks_succeed():
    r = run("--columns", "plain", "--only", ",".join(WITHOUT))
    assert r.returncode == 0, r.stdout + r.stderr
    cells = {words[0]: words[1] for words in map(str.split, r.stdout.splitlines()) if len(words) > 1}
    assert {name: cells.get(name) for name in WITHOUT} == WITHOUT, r.stdout
