"""What an installation of root's changes: the library is preloaded by its path, and a strict key goes
to a program of root's alone; a program that changes hands is another one."""
import os
import shutil

import pytest

from system_broker import PREFIX

pytestmark = pytest.mark.root

MAPS = "import os; print(os.environ['ANTHROPIC_AUTH_TOKEN']); print(open('/proc/self/maps').read())"
SAYS = '#!/bin/sh\nprintf %s "$ANTHROPIC_AUTH_TOKEN"\n'


@pytest.fixture
def user(system, ep, token):
    with system.broker(), system.user(1, ep) as u:
        u.demo()
        u.init_system()
        u.add("demo", token)
        yield u


def test_roots_library_is_preloaded_by_its_path(user, token):
    r = user.ccrun("--exec", "/usr/bin/python3", "demo", "-c", MAPS)
    assert r.rc == 0 and r.out.startswith(token), r
    assert f"{PREFIX}/lib/ccrun/libccrun.so" in r.out and "memfd:" not in r.out, r


def test_a_program_that_changes_hands(user, token):
    where = PREFIX.parent / "clients"
    where.mkdir(mode=0o755, exist_ok=True)
    try:
        program = where / "claude"
        program.write_text(SAYS)
        program.chmod(0o755)
        path = {"PATH": f"{where}:/usr/bin:/bin"}
        assert user.ccrun("demo", env=path).out == token
        os.chown(program, user.uid, -1)
        r = user.ccrun("demo", env=path)
        assert r.rc == 125 and f"was uid 0's at its last launch, and is uid {user.uid}'s" in r.err and not r.out, r
        os.chown(program, 0, -1)
        assert user.ccrun("demo", env=path).out == token
    finally:
        shutil.rmtree(where)


def test_strict_takes_roots_claude(user, ep, token):
    where = PREFIX.parent / "clients"
    where.mkdir(mode=0o755, exist_ok=True)
    try:
        program = where / "claude"
        program.write_text(SAYS)
        program.chmod(0o755)
        user.demo(policy={"strict": "yes"})
        assert user.ccctl("approve", "demo", "--yes").rc == 0
        path = {"PATH": f"{where}:/usr/bin:/bin"}
        r = user.ccrun("demo", env=path)
        assert r.rc == 0 and r.out == token, r
        for spoil, mend in ((lambda: program.chmod(0o775), lambda: program.chmod(0o755)),
                            (lambda: os.chown(where, user.uid, -1), lambda: os.chown(where, 0, -1)),
                            (lambda: where.chmod(0o777), lambda: where.chmod(0o755))):
            spoil()
            r = user.ccrun("demo", env=path)
            assert r.rc == 125 and "is strict, for programs of root's alone" in r.err and not r.out, r
            mend()
        assert user.ccrun("demo", env=path).out == token
    finally:
        shutil.rmtree(where)
