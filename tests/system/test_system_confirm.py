"""Launches that wait for a yes with the system broker: each user's are his own, and what is shown
of a process is the kernel's word there too."""
import json
import os
import signal
import subprocess

import pytest

from ccrun import PASSPHRASE
from client import until
from system_broker import BROKER_UID, PREFIX, SOCKET, as_user
from wire_client import Client

pytestmark = pytest.mark.root

LAUNCH = ["--exec", "/bin/sh", "demo", "-c", 'printf %s "$ANTHROPIC_AUTH_TOKEN"']


def own(system, n, ep, token):
    user = system.user(n, ep)
    user.__enter__()
    user.demo()
    user.init_system()
    user.add("demo", token)
    assert user.ccctl("confirm", "demo", "session").rc == 0
    return user


def waits(user):
    def listed():
        return json.loads(user.ccctl("confirm", "--json").out)
    until(listed, what="a launch that waits")
    return listed()


def launch(user):
    return user.popen([user.bin / "ccrun", *LAUNCH], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize("ptrace", [True, False])
def test_each_user_has_his_own(system, ep, token, ptrace):
    with system.broker(ptrace=ptrace):
        a, b = own(system, 1, ep, token), own(system, 2, ep, "sk-other-0123456789abcdef")
        try:
            p = launch(a)
            shown, = waits(a)
            # the witness tells, where there is one; else the process itself does, which is said
            assert shown["directory"] == (str(a.cwd) if ptrace else None)
            assert shown["asked_by"] == (str(PREFIX / "bin/ccrun") if ptrace else None)
            assert json.loads(b.ccctl("confirm", "--json").out) == []
            # B has its own vault's passphrase, and A's number
            for words in (["--ask", shown["id"]], ["--deny", shown["id"]]):
                r = b.with_passphrase("confirm", *words) if words[0] == "--ask" else b.ccctl("confirm", *words)
                assert r.rc == 4, r

            def raw():
                with Client(SOCKET) as c:
                    return c.ask("confirm-deny", id=shown["id"])["error"], c.ask("confirm-wait")["error"]
            assert as_user(BROKER_UID + 2, raw) == ("no-entry", "no-entry")
            assert b.ccctl("lock").rc == 0
            assert [x["id"] for x in waits(a)] == [shown["id"]], "B's lock is B's"
            r = a.with_passphrase("confirm", "--ask", shown["id"])
            assert r.rc == 0 and (str(a.cwd) + ("\n" if ptrace else ", as it says\n")) in r.out, r
            assert p.communicate(timeout=20)[0] == token and p.returncode == 0
        finally:
            for user in (a, b):
                user.__exit__(None, None, None)


def test_one_users_flood_is_his_own(system, ep, token):
    with system.broker():
        a, b = own(system, 1, ep, token), own(system, 2, ep, token)
        flood = []
        try:
            for _ in range(16):
                flood.append(launch(b))
            until(lambda: len(json.loads(b.ccctl("confirm", "--json").out)) == 16, what="a full table")
            r = b.run([b.bin / "ccrun", *LAUNCH])
            assert r.rc == 125 and "wait for a person's yes already" in r.err, r
            p = launch(a)
            assert a.with_passphrase("confirm", "--ask", waits(a)[0]["id"], passphrase=PASSPHRASE).rc == 0
            assert p.communicate(timeout=20)[0] == token
        finally:
            for q in flood:
                os.killpg(q.pid, signal.SIGKILL)
                q.communicate()
            for user in (a, b):
                user.__exit__(None, None, None)
