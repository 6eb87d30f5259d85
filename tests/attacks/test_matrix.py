"""The agent's attacks (matrix/): what takes little time of them, and that they are attacks.
make attack runs all of them."""
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parent / "matrix/run.py"


def run(*words):
    return subprocess.run([sys.executable, str(RUN), *words], capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize("column", ["user-relay", "user-preload"])
def test_no_cell_is_worse_than_what_is_kept(column):
    r = run("--columns", column, "--fast", "-v")
    assert r.returncode == 0, r.stdout + r.stderr


def test_control_without_ccrun_the_same_attacks_succeed():
    names = ("ptrace-attach", "vm-readv", "proc-mem", "proc-environ", "own-state", "url-in-user", "mcp-expansion")
    r = run("--columns", "plain", "--only", ",".join(names))
    assert r.returncode == 0, r.stdout + r.stderr
    cells = {words[0]: words[1] for words in map(str.split, r.stdout.splitlines()) if len(words) > 1}
    assert {cells[n] for n in names} == {"R"}, r.stdout
