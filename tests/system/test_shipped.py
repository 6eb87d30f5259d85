"""The programs as they are installed: nothing that the environment says makes them weaker.
What the tests set is in the test build alone, and these are the tests of the other one."""
import os
import re
import shutil
import socket
import subprocess

import pytest

import canary
import wire_client as wc
from attempts import ATTEMPTS, RELAYED, TOKEN, broker_for, got, relayed
from attempts_programs import NotHere
from built import BUILD, SHIPPED
from ccrun import Ccrun
from controls import names
from vault_reader import inspect
from wire_client import Closed, Refused

# What ccrun sets for the programs of a session, or finds there; read where nothing weakens.
KNOWN = {"CCRUN_FD", "CCRUN_RELAY", "CCRUN_SAVED_", "CCRUN_SAVED_ANTHROPIC_UNIX_SOCKET", "CCRUN_TICKET",
         "CCRUN_SAVED_CCRUN_CONFINED", "CCRUN_PROVIDER", "CCRUN_MODE"}
PROGRAMS = [*sorted(p.relative_to(SHIPPED) for d in ("bin", "libexec/ccrun") for p in (SHIPPED / d).glob("*") if p.is_file()),
            "lib/ccrun/libccrun.so"]
EVERYTHING = {"CCRUN_WITHOUT": ",".join(names()), "CCRUN_KDF": "fast"}


def variables(program):
    # A name in code rather than in a text is followed by no end.
    return {m.decode() for m in re.findall(rb"(CCRUN_[A-Z0-9_]+)[=\0]", program.read_bytes())}


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_it_knows_no_other_variable(program):
    assert variables(SHIPPED / program) <= KNOWN
    assert "CCRUN_WITHOUT" in variables(BUILD / program), "the test build's do: such a name is found"


@pytest.fixture
def shipped(ep):
    """A world with these programs, in which everything is asked to be switched off."""
    with Ccrun(ep, prefix=SHIPPED) as world:
        world.plain_env.update(EVERYTHING)
        yield world


def test_a_new_passphrase_is_dear_to_guess(shipped):
    shipped.init()
    slots = inspect((shipped.data / "ccrun/vault").read_bytes())["slots"]
    assert [(s["kind"], s["ops"], s["mem"]) for s in slots] == [(1, 3, 256 << 20)]


def test_no_variable_plays_the_tpm(shipped):
    """Who plays the TPM that a slot's key is sealed to has the key."""
    shipped.init()
    with socket.socket(socket.AF_UNIX) as mine:
        path = shipped.root / "tpm"
        mine.bind(str(path))
        mine.listen()
        mine.setblocking(False)
        r = shipped.ccctl("slot", "add", "tpm2", env={"CCRUN_TPM2_TCTI": f"swtpm:path={path}"})
        with pytest.raises(BlockingIOError):
            mine.accept()
    assert os.path.exists("/dev/tpmrm0") or (r.rc != 0 and "/dev/tpmrm0" in r.err), r


class Shipped(wc.Broker):
    program = SHIPPED / "libexec/ccrun/ccbroker"


def test_its_clock_is_the_machine_s():
    with Shipped() as b:
        b.init()
        b.call("set", idle=600)
        (b.root / "state/ccrun/clock").write_text(str(3600 * 1000))
        assert b.call("status")["state"] == "unlocked"
        b.put("zai", TOKEN)


# A test cannot be late where it cannot move the clock.
@pytest.mark.parametrize("function", [f for c, f in ATTEMPTS if c != "claim-deadline"])
def test_the_broker_holds_whatever_it_is_told(ordinary_user, function):
    b = broker_for(function, SHIPPED)
    b.env.update(EVERYTHING)
    with b:
        b.init()
        b.put("zai", TOKEN)
        try:
            found = function(b)
        except (Refused, Closed, OSError) as e:
            found = str(e)
        except NotHere as e:
            pytest.skip(str(e))
    assert not got(found), found


@pytest.mark.parametrize("control, function", RELAYED)
def test_the_relay_holds_whatever_it_is_told(ordinary_user, control, function):
    assert relayed(function, EVERYTHING, SHIPPED / "libexec/ccrun/ccrun-relay") is False


def test_the_launch_holds_whatever_it_is_told(ordinary_user, shipped):
    token = canary.new_token()
    shipped.demo()
    shipped.ready(token)
    env = {"BUN_INSPECT": "ws://127.0.0.1:1"}
    r = shipped.ccrun("--exec", "/bin/sh", "demo", "-c", "/usr/bin/env; /bin/cat /proc/$$/maps; :", env=env)
    assert r.rc == 0 and token not in r.out and "libccrun" not in r.out, r
    assert "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST=1\n" in r.out, r
    (shipped.config / "ccrun/providers/demo.conf").chmod(0o666)
    assert shipped.ccrun("--exec", "/bin/true", "demo").rc == 125


# ---- the loader, and libraries ----

def test_what_asks_for_passphrases_loads_no_library(shipped, tmp_path):
    source = tmp_path / "evil.c"
    source.write_text('#include <unistd.h>\n__attribute__((constructor)) static void f(void)'
                      '{ write(2, "LOADED", 6); }\n')
    library = tmp_path / "evil.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    planted = {"LD_PRELOAD": str(library), "LD_AUDIT": str(library)}
    assert "LOADED" in shipped.run(["/bin/true"], env=planted).err, "it would be"
    r = shipped.with_passphrase("init", env=planted)
    assert r.rc == 0 and "LOADED" not in r.err, r


@pytest.mark.parametrize("name", ["ccrun-tpm2", "ccrun-keyring"])
def test_a_helper_gets_what_leads_to_its_service(shipped, name):
    """Not what has the loader or its libraries load code, or write the key to a file."""
    prefix = shipped.root / "other"
    for part in ("bin", "lib", "libexec", "share"):
        shutil.copytree(SHIPPED / part, prefix / part, symlinks=True)
    helper = prefix / "libexec/ccrun" / name
    helper.unlink()
    helper.write_text(f"#!/bin/sh\nexec >{shipped.root}/seen; tr '\\0' '\\n' </proc/$$/environ\n")
    helper.chmod(0o755)
    shipped.init()
    shipped.bin = prefix / "bin"
    kind = name.removeprefix("ccrun-")
    shipped.ccctl("slot", "add", kind, env={"TSS2_LOG": "all+trace", "TSS2_LOGFILE": "/tmp/x", "OPENSSL_CONF": "/tmp/x",
                                            "GIO_EXTRA_MODULES": "/tmp", "LD_LIBRARY_PATH": "/tmp",
                                            "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"})
    seen = {line.partition("=")[0] for line in (shipped.root / "seen").read_text().splitlines()}
    assert seen <= {"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"} and "DBUS_SESSION_BUS_ADDRESS" in seen, seen
