"""What is in the Debian packages: modes, bytes, and the machine they are made for."""
import errno
import fcntl
import hashlib
import os
import re
import subprocess
import termios

import pytest

from debs import RELEASES, WHERE, built_for, contents, field, package, unpacked
from filter_bytes import Filter

pytestmark = pytest.mark.package
FOREIGN = [f"{name}-arm64" for name in RELEASES]
# Debian's name of the machine: readelf's, the filter's own programs and 32-bit ones.
MACHINES = {"amd64": ("Advanced Micro Devices X86-64", "x86_64", "i386"), "arm64": ("AArch64", "aarch64", "arm")}
# The numbers of calls that no session makes, of some that each makes, and of ioctl.
REFUSED = {
    "x86_64": {"keyctl": 250, "add_key": 248, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "pidfd_getfd": 438,
               "process_madvise": 440, "perf_event_open": 298, "open_by_handle_at": 304, "init_module": 175},
    "i386": {"keyctl": 288, "add_key": 286, "bpf": 357, "pidfd_getfd": 438, "perf_event_open": 336, "init_module": 128},
    "aarch64": {"keyctl": 219, "add_key": 217, "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425, "pidfd_getfd": 438,
                "process_madvise": 440, "perf_event_open": 241, "open_by_handle_at": 265, "init_module": 105},
    "arm": {"keyctl": 311, "add_key": 309, "bpf": 386, "pidfd_getfd": 438, "perf_event_open": 364, "init_module": 128},
}
ALLOWED = {"x86_64": {"read": 0, "openat": 257, "execve": 59, "ptrace": 101}, "i386": {"read": 3, "openat": 295, "execve": 11},
           "aarch64": {"read": 63, "openat": 56, "execve": 221, "ptrace": 117}, "arm": {"read": 3, "openat": 322, "execve": 11}}
IOCTL = {"x86_64": 16, "i386": 54, "aarch64": 29, "arm": 54}
FCNTL = {"x86_64": [72], "i386": [55, 221], "aarch64": [25], "arm": [55, 221]}
# Who is sent SIGIO, and which signal in its place; termios has FIOASYNC alone.
F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 10, 15, 0x8901, 0x8902
STATIC = ("usr/bin/ccrun", "usr/bin/ccrun-statusline", "usr/bin/ccctl", "usr/libexec/ccrun/ccbroker")
MUSL = STATIC[:2]


def readelf(option, path):
    r = subprocess.run(["readelf", "--wide", option, path], capture_output=True, text=True)
    return r.stdout if r.returncode == 0 else ""


@pytest.fixture(params=[*RELEASES, *FOREIGN])
def debs(request):
    return built_for(request.param)


@pytest.fixture
def ccrun(debs):
    return package(debs, "ccrun")


@pytest.fixture
def tree(ccrun, tmp_path):
    return unpacked(ccrun, tmp_path / "tree")


def test_programs_cannot_be_read_and_nothing_is_writable(ccrun):
    for mode, owner, path in contents(ccrun):
        assert owner == "root/root" and (mode[0] == "l" or mode[8] == "-"), path
        if path.startswith(("./usr/bin/", "./usr/libexec/ccrun/cc")) and mode[0] == "-":
            assert mode == "-rwx--x--x", path


def test_every_program_is_of_the_packages_machine(ccrun, tree):
    machine, _, _ = MACHINES[field(ccrun, "Architecture")]
    programs = [p for p in sorted(tree.rglob("*")) if p.is_file() and not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]
    assert {"ccrun", "ccbroker", "ccctl", "ccrun-relay", "libccrun.so"} <= {p.name for p in programs}
    for p in programs:
        assert re.search(r"Machine:\s+(.*)", readelf("--file-header", p))[1] == machine, p
        assert "BIND_NOW" in readelf("--dynamic", p), p
        assert re.search(r"Type:\s+DYN ", readelf("--file-header", p)), p


def test_what_starts_often_or_holds_keys_loads_no_library(tree):
    for name in STATIC:
        assert "INTERP" not in readelf("--program-headers", tree / name), name
        assert "NEEDED" not in readelf("--dynamic", tree / name), name
        # glibc's start file says for which kernels it is, and musl's says nothing.
        assert ("ABI-tag" in readelf("--section-headers", tree / name)) == (name not in MUSL), name


def test_ccruns_filter_is_of_its_machine(ccrun, tree):
    _, own, narrow = MACHINES[field(ccrun, "Architecture")]
    built_in = Filter(tree / "usr/bin/ccrun")
    for machine in (own, narrow):
        for name, number in REFUSED[machine].items():
            assert built_in.says(machine, number) == errno.EPERM, (machine, name)
        for name, number in ALLOWED[machine].items():
            assert built_in.says(machine, number) == 0, (machine, name)
        assert built_in.says(machine, IOCTL[machine], 0, termios.TIOCSTI) == errno.EPERM
        assert built_in.says(machine, IOCTL[machine], 0, termios.TIOCSTI | 1 << 32) == errno.EPERM
        assert built_in.says(machine, IOCTL[machine], 0, termios.TIOCGWINSZ) == 0
        for request in (termios.FIOASYNC, FIOSETOWN, SIOCSPGRP):
            assert built_in.says(machine, IOCTL[machine], 0, request) == errno.EPERM, (machine, request)
        for number in FCNTL[machine]:
            for command in (fcntl.F_SETOWN, F_SETOWN_EX, F_SETSIG, fcntl.F_SETOWN | 1 << 32):
                assert built_in.says(machine, number, 0, command, 1) == errno.EPERM, (machine, number, command)
            for flags, answer in ((os.O_NONBLOCK, 0), (fcntl.FASYNC, errno.EPERM), (-1 & 0xFFFFFFFF, errno.EPERM),
                                  (fcntl.FASYNC ^ 0xFFFFFFFF, 0)):
                assert built_in.says(machine, number, 0, fcntl.F_SETFL, flags) == answer, (machine, number, flags)
                assert built_in.says(machine, number, 0, fcntl.F_SETLK, flags) == 0, (machine, number, flags)
    for other in set(IOCTL) - {own, narrow}:
        assert built_in.says(other, ALLOWED[other]["read"]) == errno.ENOSYS, other


@pytest.mark.parametrize("name", RELEASES)
def test_the_foreign_package_is_the_same_but_for_its_machine(name):
    here, there = (package(built_for(n), "ccrun") for n in (name, f"{name}-arm64"))
    assert field(there, "Architecture") == "arm64"
    assert list(contents(here)) == list(contents(there))
    for relation in ("Depends", "Recommends", "Suggests"):
        # In which version a symbol came may be the machine's.
        names = [re.sub(r" \([^)]*\)", "", field(d, relation)) for d in (here, there)]
        assert names[0] == names[1], relation
    systems = [package(built_for(n), "ccrun-system").read_bytes() for n in (name, f"{name}-arm64")]
    assert systems[0] == systems[1]


@pytest.mark.parametrize("name", [*RELEASES, *FOREIGN])
def test_lintian_has_nothing_to_say(name):
    # Each by its own release's: written beside the packages when they were built.
    built_for(name)
    assert (WHERE / name / "lintian").read_text() == ""


@pytest.mark.parametrize("name", RELEASES)
def test_two_builds_are_the_same_bytes(name):
    def sums(where):
        return {d.name: hashlib.sha256(d.read_bytes()).hexdigest() for d in where.glob("*.deb")}
    assert len(built_for(name)) >= 3
    assert sums(WHERE / name) == sums(WHERE / name / "again")
