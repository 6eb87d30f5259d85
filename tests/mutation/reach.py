"""A pytest plugin: which conditions each test asked, a line of JSON each in $MUTANT_REACH."""
import json
import os
import time

import pytest

from mutant_map import MutantMap


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    seen = MutantMap(os.environ["MUTANT_MAP"])
    seen.forget()
    item.stash[FAILED] = False
    start = time.monotonic()
    yield
    with open(os.environ["MUTANT_REACH"], "a", encoding="utf-8") as out:
        json.dump({"test": item.nodeid, "seconds": time.monotonic() - start, "asked": seen.asked(),
                   "failed": item.stash[FAILED]}, out)
        out.write("\n")


FAILED = pytest.StashKey()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed or report.skipped:
        item.stash[FAILED] = True
