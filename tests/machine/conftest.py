"""Virtual machines for the scenarios: `booted(...)` makes one, `m` is one with two people."""
import os
import shutil
import tempfile
from contextlib import ExitStack

import pytest

from debian_machine import CACHE
from debs import RELEASES
from vm import QEMU
from vm_ready import Ready

ASKED = os.environ.get("CCRUN_RELEASES", "").split() or RELEASES


@pytest.fixture(scope="session", params=ASKED)
def ready(request):
    if os.geteuid() != 0 or not shutil.which(QEMU):
        pytest.skip(f"needs root (debootstrap) and {QEMU}")
    return Ready(request.param)


@pytest.fixture
def booted(ready):
    """A function that starts a machine; keywords: those of VirtualMachine."""
    with ExitStack() as stack:
        def start(**kw):
            work = stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE))
            return stack.enter_context(ready.machine(work, **kw))
        yield start


@pytest.fixture
def m(booted):
    return booted()
