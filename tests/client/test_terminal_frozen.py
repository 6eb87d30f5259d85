"""ccctl asks for a secret, and is frozen meanwhile: no signal tells of that, and who reads the
terminal then has all that is typed."""
from pathlib import Path
import time

import pytest

from ccrun import CCCTL, PASSPHRASE
from client import children_named
from terminal_shell import Shell
from test_terminal_secrets import HELD, READ, pushed, shell  # pylint: disable=unused-import

FREEZER = Path("/sys/fs/cgroup/freezer")

pytestmark = [pytest.mark.root, pytest.mark.skipif(not (FREEZER / "cgroup.procs").exists(), reason="no freezer of version 1")]


@pytest.fixture
def freezer(c):
    """Has a process stand still for so long."""
    group = FREEZER / c.root.name
    group.mkdir()

    def freeze(pid, seconds):
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")
        time.sleep(seconds)
        (group / "freezer.state").write_text("THAWED")
        (FREEZER / "cgroup.procs").write_text(str(pid))
    yield freeze
    group.rmdir()


def test_one_that_was_frozen_says_so(c, freezer):
    c.init()
    assert c.ccctl("lock").rc == 0
    with Shell(c) as shell:
        shell.line(f"{CCCTL} unlock; echo code=$?")
        shell.asked()
        freezer(max(children_named(shell.t.pid, "ccctl")), 3)
        shell.t.expect_exact(f"ccctl: {HELD}")
        shell.t.expect("code=1")
        assert shell.opens()
    assert c.status()["state"] == "locked"


def test_one_that_was_frozen_for_a_moment_looks_who_reads(shell, pushed, freezer):  # pylint: disable=redefined-outer-name
    """Its read(2) begins again behind that of one that waited for it: too short to be told by time."""
    pushed("waits")
    freezer(max(children_named(shell.t.pid, "ccctl")), 0.1)
    shell.t.expect_exact(f"ccctl: {READ}")
    shell.t.expect("code=1")
    assert shell.c.status()["state"] == "locked"


def test_one_that_was_frozen_for_a_moment_goes_on(c, freezer):
    c.init()
    assert c.ccctl("lock").rc == 0
    with Shell(c) as alone:
        alone.line(f"{CCCTL} unlock; echo code=$?")
        alone.asked()
        freezer(max(children_named(alone.t.pid, "ccctl")), 0.1)
        alone.line(PASSPHRASE)
        alone.t.expect("the vault is open")
