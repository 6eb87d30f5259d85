"""Which programs the tests run: those of the test build (mk/instead.mk), or with
CCRUN_BUILD another one.  SHIPPED: the same as they are installed, for tests of just that."""
import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("CCRUN_BUILD") or REPO / "build-test")
SHIPPED = BUILD.with_name(BUILD.name.removesuffix("-test"))
