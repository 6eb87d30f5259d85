"""What a kernel offers or lacks, for real: each is said as it is, and every way of a launch
goes on or is refused."""
import json

import pytest

import vm_acts

pytestmark = pytest.mark.vm


def doctor(t):
    rc, out = t.run("ccctl doctor --json 2>/dev/null")
    assert rc in (0, 1, 2), out
    return {f["check"]: f for f in json.loads(out)}


def kernel(m):
    return tuple(int(n) for n in m.root("uname", "-r").out.split("-")[0].split(".")[:2])


def test_the_kernel_s_rows_are_true(m):
    ann = vm_acts.at(m, "ann")
    state = vm_acts.status(ann)
    assert state["landlock_abi"] == {(6, 1): 2, (6, 12): 6}[kernel(m)]
    assert state["landlock"] == state["landlock_abi"]
    # SO_PEERPIDFD is of Linux 6.5; Debian leaves Yama at 0, and TIOCSTI is a setting since 6.2.
    assert state["peer_pidfd"] == (kernel(m) >= (6, 5))
    assert state["seccomp"] and state["caged"] and state["undumpable"] and state["untraced"] and state["memory_locked"]
    assert state["legacy_tiocsti"] == (m.sh("cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1").out.strip() == "1")
    assert state["relay"] == "own-uid" and state["broker"] == "system"
    assert vm_acts.status(vm_acts.at(m, "ben"))["broker"] == "user"


def test_yama_0_to_3(m):
    ann, ben = vm_acts.at(m, "ann"), vm_acts.at(m, "ben")
    for scope in range(4):
        m.root("sysctl", "-q", f"kernel.yama.ptrace_scope={scope}")
        assert vm_acts.status(ann)["yama_ptrace_scope"] == scope
        found = doctor(ann)
        assert found["yama"]["state"] == ("advice" if scope == 0 else "ok"), found["yama"]
        for t in (ann, ben):
            vm_acts.works(t)
        vm_acts.crash(m)
        vm_acts.unlock(ann)
    out = ann.ok("DISABLE_AUTOUPDATER=1 ccrun via -p 'say hello' </dev/null", seconds=600)
    assert "hello from loopback" in out, out


def test_no_user_namespaces(m):
    m.root("sysctl", "-q", "kernel.unprivileged_userns_clone=0", "user.max_user_namespaces=0")
    for name in ("ann", "ben"):
        t = vm_acts.at(m, name)
        vm_acts.works(t)
    vm_acts.restart(m)
    ann = m.terminals[0]
    vm_acts.unlock(ann)
    vm_acts.works(ann)
    doctor(ann)


def test_no_landlock(booted):
    """Which is no refusal: said, and every launch goes on under seccomp alone."""
    m = booted(load=None, append="lsm=lockdown,yama,apparmor")
    ann = vm_acts.back(m, "ann")
    vm_acts.unlock(ann)
    state = vm_acts.status(ann)
    assert state["landlock_abi"] == 0 and state["landlock"] == 0 and state["caged"], state
    assert doctor(ann)["landlock"]["state"] == "advice"
    vm_acts.works(ann)
    ben = m.terminal(vm_acts.LINES["ben"])
    ben.login("ben", vm_acts.PEOPLE["ben"])
    vm_acts.unlock(ben)
    vm_acts.works(ben)
    out = ann.ok("DISABLE_AUTOUPDATER=1 ccrun via -p 'say hello' </dev/null", seconds=600)
    assert "hello from loopback" in out, out


def test_hidepid(m):
    """A broker that cannot be looked at gets nothing and gives nothing, and that is said."""
    m.root("mount", "-o", "remount,hidepid=2", "/proc")
    for name in ("ann", "ben"):
        t = vm_acts.at(m, name)
        rc, out = t.run("ccrun --exec /usr/bin/env demo </dev/null")
        assert rc != 0 and "=" + vm_acts.TOKENS[name] not in out and "hidepid" in out, (rc, out)
    m.root("mount", "-o", "remount,hidepid=0", "/proc")
    for t in m.terminals:
        vm_acts.works(t)


def test_apparmor_enforces(m):
    assert m.sh("cat /sys/module/apparmor/parameters/enabled; cat /sys/kernel/security/lsm").out.startswith("Y\n")
    rules = "".join(f"  {rule},\n" for rule in ("file", "unix", "signal", "network", "ptrace", "capability"))
    profile = f"profile shell /usr/local/bin/confined-shell {{\n{rules}}}\n"
    m.root("install", "-m", "755", "/bin/bash", "/usr/local/bin/confined-shell")
    m.root("apparmor_parser", "--replace", "/dev/stdin", input=profile)
    ann = vm_acts.at(m, "ann")
    out = ann.ok("/usr/local/bin/confined-shell -c 'cat /proc/self/attr/current; ccrun --exec /usr/bin/env demo </dev/null'")
    assert "shell (enforce)" in out and "=" + vm_acts.TOKENS["ann"] in out, out
    vm_acts.works(ann)
