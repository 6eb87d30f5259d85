"""What a source file must do.  By itself this runs with the files that come with
ccrun; for one of yours:

    python3 -m pytest tests/sources/test_conformance.py --source-file my-manager.conf

Your manager is not run: a program of its name stands in, and is told what to say.
"""
import os
from pathlib import Path

import pytest

from ccrun import Ccrun
from client import REPO

SHIPPED = sorted((REPO / "share/sources").glob("*.conf"))


def pytest_addoption(parser):
    parser.addoption("--source-file", default=os.environ.get("CCRUN_SOURCE_FILE"),
                     help="a source file of yours (or $CCRUN_SOURCE_FILE)")


def pytest_generate_tests(metafunc):
    if "conf" in metafunc.fixturenames:
        one = metafunc.config.getoption("--source-file", None) or os.environ.get("CCRUN_SOURCE_FILE")
        files = [Path(one).resolve()] if one else SHIPPED
        metafunc.parametrize("conf", files, ids=[f.stem for f in files], scope="module")


@pytest.fixture(scope="module")
def world():
    with Ccrun() as c:
        c.init()
        c.provider("conformance", base_url="https://conformance.example.test", auth="bearer", docs="made up for a test")
        yield c
