"""Each control holds something: with it the attempt fails, and in the test build without it
(CCRUN_WITHOUT) the same attempt gets what it is after.  A test that passes either way would
prove nothing about the control."""
import subprocess

import pytest

from attempts import ATTEMPTS, RELAYED, TOKEN, broker_for, got, relayed
from attempts_programs import BY_ITSELF, ELSEWHERE, IN_A_WORLD, NotHere
from built import BUILD
from ccrun import CCRUN, Ccrun
from controls import names, off, without
from wire_client import Closed, Refused


# ---- the broker and the relay ----

def attempted(controls, function):
    """What comes of it without these."""
    with without(broker_for(function), *controls) as b:
        b.init()
        b.put("zai", TOKEN)
        try:
            return function(b)
        except (Refused, Closed, OSError) as e:
            return str(e) or type(e).__name__
        except NotHere as e:
            pytest.skip(str(e))


@pytest.mark.parametrize("controls, function", ATTEMPTS, ids=[c for c, _ in ATTEMPTS])
def test_it_succeeds_without_the_control(ordinary_user, controls, function):
    control, *behind = controls.split(",")
    for some in ([], behind) if behind else ([],):
        found = attempted(some, function)
        assert not got(found), (some, found)
    found = attempted([control, *behind], function)
    assert got(found), found


@pytest.mark.parametrize("control, function", RELAYED)
def test_the_relay_lets_it_through_without(ordinary_user, control, function):
    assert [relayed(function, off(*controls)) for controls in ((), (control,))] == [False, True]


# ---- ccrun, and what is in the client ----

def launched(world, controls, *argv, env=None):
    return world.run([CCRUN, *argv], env={**off(*controls), **(env or {})})


@pytest.mark.parametrize("control", ["runtime-variables", "routing-variables", "manager-variables", "managed"])
def test_the_client_s_variables(ready, control):
    variable = {"runtime-variables": "BUN_INSPECT=ws://127.0.0.1:1", "routing-variables": "ANTHROPIC_BEDROCK_BASE_URL=http://x",
                "manager-variables": "BW_SESSION=opens-it"}
    name, _, value = variable.get(control, "").partition("=")
    found = []
    for controls in ((), (control,)):
        # of the launched program itself: children get back what is theirs
        r = launched(ready, controls, "--exec", "/usr/bin/env", "demo", env={name: value} if name else {})
        assert r.rc == 0, r
        found.append("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1" in r.out if not name else f"{name}={value}" not in r.out)
    assert found == [True, False]


def test_a_child_s_environment(ready, token):
    found = []
    for controls in ((), ("child-environment",)):
        r = launched(ready, controls, "--exec", "/bin/sh", "demo", "-c", "/usr/bin/env; :")
        assert r.rc == 0, r
        found.append(token in r.out)
    assert found == [False, True]


def test_a_child_s_look_at_the_client(ep, token):
    found = []
    for controls in ((), ("undumpable-client", "undumpable-claimant")):
        with Ccrun(ep) as world:
            world.plain_env.update(off(*controls))  # its broker's too, which asks for that
            world.demo()
            world.ready(token)
            r = world.ccrun("--exec", "/bin/sh", "demo", "-c", "/bin/cat /proc/$$/maps; :")
            assert r.rc == 0 and (r.out or not controls), r
            found.append("libccrun.so" in r.out)
    assert found == [False, True]


def test_files_that_others_wrote(ready):
    ready.demo()
    path = ready.config / "ccrun/providers/demo.conf"
    path.chmod(0o666)
    found = [launched(ready, controls, "--exec", "/bin/true", "demo").rc for controls in ((), ("trusted-files",))]
    assert found == [125, 0]


def test_a_project_nobody_allowed(ready):
    (ready.cwd / ".ccrun").write_text("provider = demo\n")
    found = [launched(ready, controls, "--exec", "/bin/true").rc for controls in ((), ("project-pin",))]
    assert found == [125, 0]


def test_a_signal_to_a_program_outside(ready):
    """Landlock's scope, where the kernel has it (Linux 6.12)."""
    if "(seccomp, Landlock)" not in ready.ccrun("-n", "demo").out:
        pytest.skip("this kernel scopes no signals")
    with subprocess.Popen(["sleep", "60"]) as outside:
        found = [launched(ready, controls, "--exec", "/bin/sh", "demo", "-c", f"kill -CONT {outside.pid}; :").err
                 for controls in ((), ("confine-landlock",))]
        outside.kill()
    assert "not permitted" in found[0] and found[1] == "", found


# ---- all of them ----

def shown():
    """Those that a test switches off.  Of several at once the first is the one that it is about, the
    others stand behind it, but for BY_ITSELF and IN_A_WORLD, which leave out each."""
    return {controls.partition(",")[0] for controls, _ in [*ATTEMPTS, *RELAYED]}.union(
        ELSEWHERE, *(controls for controls, _ in [*BY_ITSELF, *IN_A_WORLD]))


def test_each_control_s_absence_shows():
    assert shown() == set(names())


# ---- the switch itself ----

def test_a_name_that_is_none_ends_every_program(ready):
    for program in ("bin/ccrun", "bin/ccctl", "bin/ccrun-statusline", "libexec/ccrun/ccbroker", "libexec/ccrun/ccrun-relay"):
        r = subprocess.run([BUILD / program, "--version"], env={"CCRUN_WITHOUT": "mark,marc"}, capture_output=True, text=True)
        assert r.returncode == 98 and "CCRUN_WITHOUT" in r.stderr, r
    assert "mark" in names() and len(names()) > 40
