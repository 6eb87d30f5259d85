"""Fixtures of the attacks: those of the end-to-end tests, an attacker's endpoint,
and the programs of programs/, compiled.

Run it as an ordinary user: what it looks at is meaningless for root."""
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

spec = importlib.util.spec_from_file_location("e2e_conftest", HERE.parent / "e2e/conftest.py")
e2e = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e)
token, ep, c = e2e.token, e2e.ep, e2e.c

from ccrun import BUILD  # noqa: E402
from endpoint import Endpoint  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def ordinary_user():
    if os.geteuid() == 0:
        pytest.fail("run these tests as an ordinary user", pytrace=False)


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
def ready(c, token):
    """A world with provider demo at the endpoint, its key in an open vault."""
    c.demo()
    c.ready(token)
    return c


@pytest.fixture
def installed(ready):
    """A copy of the build that a test may spoil."""
    where = ready.root / "inst"
    for part in ("bin", "lib", "libexec"):
        shutil.copytree(BUILD / part, where / part)
    for path in where.rglob("*"):
        path.chmod(0o755)
    return where
