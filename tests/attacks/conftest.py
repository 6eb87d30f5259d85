"""Fixtures of the attacks: an attacker's endpoint, a build that may be spoiled, and
the programs of programs/, compiled."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

from ccrun import BUILD
from client import adopt_orphans
from endpoint import Endpoint


@pytest.fixture(autouse=True)
def as_ordinary_user(ordinary_user):
    """What these attacks look at is meaningless for root."""


@pytest.fixture(autouse=True, scope="session")
def orphans():
    """A relay is one: so those of these tests are told from others'."""
    adopt_orphans()


@pytest.fixture(scope="session")
def tools():
    """The directory with programs/*.c compiled (a name in *.so.c: a library)."""
    with tempfile.TemporaryDirectory(prefix="ccatt-", dir="/tmp") as where:
        jobs = []
        for source in sorted((HERE / "programs").glob("*.c")):
            kind = ["-shared", "-fPIC"] if source.stem.endswith(".so") else []
            jobs.append(subprocess.Popen(
                ["cc", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", *kind,
                 "-o", f"{where}/{source.stem}", str(source)]))
        assert [job.wait(60) for job in jobs] == [0] * len(jobs)
        yield Path(where)


@pytest.fixture
def evil():
    """Where the attacker wants the token to go."""
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def installed(ready):
    """A copy of the build that a test may spoil."""
    where = ready.root / "inst"
    for part in ("bin", "lib", "libexec"):
        shutil.copytree(BUILD / part, where / part)
    for path in where.rglob("*"):
        path.chmod(0o755)
    return where
