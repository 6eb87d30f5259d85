"""The unit files themselves: systemd understands them, they expose no more than
they say, and they say what the broker and its clients rely on."""
import re
import shutil

import pytest

from ccrun import BUILD
from client import REPO

SHARE = REPO / "share"
TEMPLATES = sorted(SHARE.glob("systemd/*/*.in")) + sorted(SHARE.glob("autostart/*.in"))
pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def filled(template):
    return template.read_text().replace("@BIN@", f"{BUILD}/bin").replace("@LIBEXEC@", f"{BUILD}/libexec/ccrun")


@pytest.fixture
def units(c):
    """Directories user/ and system/ with every unit, of this build."""
    for template in TEMPLATES:
        c.write(c.root / "units" / template.parent.name / template.stem, filled(template), 0o644)
    c.own()
    return c.root / "units"


def analyze(c, kind, *words):
    return c.run(["systemd-analyze", *(["--user"] if kind == "user" else []), *words])


def settings(kind, name):
    """[(section, key, value)] of a unit."""
    section, found = None, []
    for line in filled(SHARE / "systemd" / kind / (name + ".in")).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def values(kind, name, key):
    return [v for _, k, v in settings(kind, name) if k == key]


@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_understands_them(c, units, kind):
    r = analyze(c, kind, "verify", "--man=no", *sorted((units / kind).iterdir()))
    said = [line for line in r.err.splitlines() if "ccbroker" in line or "ccrun" in line]
    assert r.rc == 0 and not said, r


@pytest.mark.parametrize("kind, name", [("user", "ccbroker"), ("user", "ccrun-logind"), ("system", "ccbroker"),
                                        ("system", "ccrun-logind"), ("system", "ccrun-relay@")])
def test_they_expose_no_more_than_they_say(c, units, kind, name):
    path = units / kind / f"{name}.service"
    stated = float(re.search(r"security --offline=true: exposure (\d+\.\d)", path.read_text())[1])
    r = analyze(c, kind, "security", "--offline=true", "--no-pager", path)
    measured = float(re.search(r"Overall exposure level for \S+: (\d+\.\d)", r.out)[1])
    assert measured <= stated, r.out


@pytest.mark.parametrize("kind, name", [("user", "ccbroker"), ("user", "ccrun-logind"), ("system", "ccbroker"),
                                        ("system", "ccrun-logind"), ("system", "ccrun-relay@")])
def test_what_they_run_may_enter_its_own_sandbox(kind, name):
    [calls, taken] = values(kind, f"{name}.service", "SystemCallFilter")[:2]
    assert set(calls.split()) == {"@system-service", "seccomp", "landlock_create_ruleset", "landlock_add_rule",
                                  "landlock_restrict_self"} and taken == "~@privileged @resources"


@pytest.mark.parametrize("kind", ["user", "system"])
def test_a_broker_may_give_up_what_its_manager_has_given_it(kind):
    """It does not serve with a capability; a user's manager has one since systemd 254
    (tests/package/test_life.py and tests/machine/ have that for real)."""
    assert values(kind, "ccbroker.service", "SystemCallFilter")[2:] == ["capset"]


def test_the_socket_is_where_clients_look(c):
    socket = "ccbroker.socket"
    assert values("user", socket, "ListenSequentialPacket") == ["%t/ccrun/broker.sock"]
    assert values("user", socket, "SocketMode") == ["0600"]
    assert values("user", socket, "DirectoryMode") == ["0700"]
    assert not [k for _, k, _ in settings("user", socket) if k.startswith("Listen") and k != "ListenSequentialPacket"]
    assert values("user", socket, "WantedBy") == ["sockets.target"]


def test_the_system_broker_owns_its_directories():
    unit = "ccbroker.service"
    get = lambda key: values("system", unit, key)
    assert get("ExecStart") == [f"{BUILD}/libexec/ccrun/ccbroker --system --foreground"]
    assert get("User") == get("Group") == ["ccrun"]
    assert get("RuntimeDirectory") == get("StateDirectory") == ["ccrun"]
    assert get("RuntimeDirectoryMode") == ["0755"] and get("StateDirectoryMode") == ["0700"]
    assert get("CapabilityBoundingSet") == get("AmbientCapabilities") == ["CAP_SYS_PTRACE"]
    assert not (SHARE / "systemd/system/ccbroker.socket.in").exists()


def test_the_system_s_watcher_lives_with_the_broker_and_owns_nothing_of_it():
    unit = "ccrun-logind.service"
    get = lambda key: values("system", unit, key)
    assert get("ExecStart") == [f"{BUILD}/libexec/ccrun/ccrun-logind --system"]
    assert get("User") == get("Group") == get("RuntimeDirectory") == ["ccrun-logind"]
    assert get("RuntimeDirectoryMode") == ["0755"] and get("CapabilityBoundingSet") == [""]
    assert get("BindsTo") == get("WantedBy") == ["ccbroker.service"] and "ccbroker.service" in get("After")[0].split()
    assert get("Restart") == ["always"] and get("StartLimitIntervalSec") == ["0"]
    assert get("InaccessiblePaths") == ["/var/lib/ccrun"]


def test_only_the_broker_has_relays_started():
    get = lambda key: values("system", "ccrun-relay.socket", key)
    keeper = (REPO / "broker/relay_keeper.c").read_text()
    assert get("ListenSequentialPacket") == ["/run/ccrun-relay/start.sock"]
    assert '#define SYSTEM_RELAY_DIR "/run/ccrun-relay"\n' in keeper and 'SYSTEM_RELAY_DIR "/start.sock"' in keeper
    assert get("Accept") == ["yes"]
    assert get("SocketUser") == values("system", "ccbroker.service", "User") and get("SocketMode") == ["0600"]
    assert get("DirectoryMode") == ["0755"]  # and systemd makes it as root
    assert "ccrun-relay.socket" in values("system", "ccbroker.service", "Wants")


def test_no_user_can_take_all_relays_away():
    limits = (REPO / "broker/limits.h").read_text()
    number = lambda name: int(re.search(rf"#define {name} (\d+)", limits)[1])
    get = lambda key: values("system", "ccrun-relay.socket", key)
    assert get("MaxConnections") == [str((number("TENANTS_MAX") + 1) * number("SYSTEM_UID"))]
    assert get("TriggerLimitIntervalSec") == ["0"]


def test_a_relay_has_nothing_but_its_connection():
    get = lambda key: values("system", "ccrun-relay@.service", key)
    assert get("ExecStart") == [f"{BUILD}/libexec/ccrun/ccrun-relay"]
    assert get("User") == get("Group") == ["ccrun-relay"]
    assert get("CapabilityBoundingSet") == get("AmbientCapabilities") == [""]
    assert get("MemorySwapMax") == get("LimitCORE") == ["0"] and get("LimitMEMLOCK") == ["64M"]
    # The connection, descriptor 3, is all that a relay is told from: it is not where its input comes from.
    assert not get("StandardInput") and not get("NonBlocking") and not get("StateDirectory")
    for unit in ("ccrun-relay@.service", "ccrun-relay.socket"):
        assert values("system", unit, "PartOf") == ["ccbroker.service"]


# Each would part the broker and its relays from their clients, mark them, or fail for a user.
EVERYWHERE = {"PrivateUsers", "PrivatePIDs", "LimitLOCKS", "RootDirectory", "DynamicUser"}
# The broker reads /proc of its clients; a relay knows them by what the kernel says of a sender.
BROKER = {"ProtectProc", "ProcSubset"}
USER = {"ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateNetwork", "PrivateMounts",
        "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectClock",
        "ProtectHostname", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem", "BindPaths",
        "CapabilityBoundingSet", "AmbientCapabilities", "IPAddressDeny", "User", "Group"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda t: f"{t.parent.name}/{t.stem}")
def test_nothing_that_breaks_the_broker(template):
    kind, name = template.parent.name, template.stem
    if name.endswith(".desktop"):
        return
    keys = {key for _, key, _ in settings(kind, name)}
    assert not keys & EVERYWHERE
    assert name.startswith("ccrun-relay") or not keys & BROKER
    if kind == "user":
        assert not keys & USER


def test_a_log_in_neither_waits_for_the_vault_nor_fails_with_it():
    unit = "ccrun-unlock.service"
    assert values("user", unit, "WantedBy") == ["graphical-session.target"]
    assert "graphical-session.target" in values("user", unit, "After")[0].split()
    assert values("user", unit, "SuccessExitStatus") == ["3 4"]
    assert values("user", unit, "Requires") == ["ccbroker.socket"]
