"""The Debian packages that `make package-test` has built, and what is in them."""
import os
import subprocess
from pathlib import Path

import pytest

from built import REPO

RELEASES = ("bookworm", "trixie")
WHERE = Path(os.environ.get("CCRUN_DEBS", REPO / "build/deb"))


def built_for(name):
    """The packages of a release, or of a cross build (bookworm-arm64): what tools/debian left."""
    debs = sorted((WHERE / name).glob("*.deb"))
    if not debs:
        pytest.fail(f"no packages in {WHERE / name}: make package-test", pytrace=False)
    return debs


def field(deb, name):
    return subprocess.run(["dpkg-deb", "--field", deb, name], capture_output=True, text=True, check=True).stdout.strip()


def package(debs, name):
    return next(d for d in debs if field(d, "Package") == name)


def contents(deb):
    """(mode, owner, path) of each file; a link's path alone."""
    r = subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True)
    for line in r.stdout.splitlines():
        mode, owner, _, _, _, path = line.split()[:6]
        yield mode, owner, path


def unpacked(deb, to):
    """Its files, below a new directory."""
    subprocess.run(["dpkg-deb", "--extract", deb, to], check=True)
    return to
