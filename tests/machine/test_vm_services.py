"""The system broker's services on a machine that systemd has booted: they start, are as
closed as their files say, and come through what happens to services."""
import re

import pytest

import vm_acts
from built import REPO

pytestmark = pytest.mark.vm
SERVICES = ("ccbroker", "ccrun-logind", "ccrun-relay@")


def stated(name):
    text = (REPO / f"share/systemd/system/{name}.service.in").read_text()
    return float(re.search(r"security --offline=true: exposure (\d+\.\d)", text)[1])


def test_they_run_and_are_as_closed_as_they_say(booted):
    m = booted(load="installed")
    assert m.root("systemctl", "is-active", "ccbroker", "ccrun-logind", "ccrun-relay.socket").out.split() == ["active"] * 3
    assert m.root("systemctl", "is-enabled", "ccbroker", "ccrun-logind").out.split() == ["enabled"] * 2
    assert m.root("systemctl", "--failed", "--no-legend").out == ""
    for name in SERVICES:
        unit = name.replace("@", "@1") + ".service"
        said = m.root("systemd-analyze", "security", "--no-pager", unit).out
        exposure = float(re.search(r"Overall exposure level for \S+: (\d+\.\d)", said)[1])
        assert exposure <= stated(name), said
    m.root("systemd-analyze", "verify", "--man=no", *(f"/lib/systemd/system/{n}.service" for n in SERVICES))


def test_an_open_vault_comes_through_daemon_reexec_and_a_reinstallation(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.works(ann)
    for event in (("systemctl", "daemon-reexec"), ("systemctl", "daemon-reload"),
                  ("sh", "-c", "dpkg --install /goods/debs/*.deb")):
        said = m.root(*event).out
        assert vm_acts.is_open(ann), event
        vm_acts.works(ann)
    assert "the broker runs on with the old program" in said, said
    vm_acts.is_watched(m, ann)


def test_a_crash_loses_what_is_open_and_nothing_else(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.crash(m)
    assert vm_acts.status(ann)["locked_why"] == "start"
    vm_acts.unlock(ann)
    vm_acts.works(ann)
    vm_acts.is_watched(m, ann)
    # And once more, by the process that serves: the first one ends with it.
    m.sh("kill -9 $(pgrep -P $(systemctl show --property=MainPID --value ccbroker) | head -n 1)")
    vm_acts.wait_for(lambda: m.root("systemctl", "is-active", "ccbroker", check=False).out == "active\n"
                  and not vm_acts.is_open(ann), "the broker's return")


def test_the_client_itself_by_relay(m):
    ann = vm_acts.at(m, "ann")
    out = ann.ok("DISABLE_AUTOUPDATER=1 ccrun via -p 'say hello' </dev/null", seconds=600)
    assert "hello from loopback" in out, out
    seen = m.root("cat", "/run/endpoint.log").out
    assert "Bearer " + vm_acts.TOKENS["ann"] in seen
