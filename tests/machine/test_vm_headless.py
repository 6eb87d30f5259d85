"""A host that nobody logs in to: after a reboot a launch has its key, by what the machine
itself can open."""
import pytest

import vm_acts
from vm_acts import PASSPHRASE

pytestmark = pytest.mark.vm


def launches_alone(m, name):
    rc, came, said = vm_acts.nobody_launches(m, name)
    assert rc == 0 and came, (rc, said)
    r = m.nobody_there(name, "ccctl test via")
    assert "works" in r.out, r


def test_a_sealed_keyfile(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.keyfile(m, ann)
    m.reboot()
    launches_alone(m, "ann")
    # Who comes then, and suspends the machine: locked, as for anybody.
    ann.login("ann", vm_acts.PEOPLE["ann"])
    vm_acts.is_watched(m, ann)
    vm_acts.lock_by(m, ann, "suspend", "system")


def test_a_credential_that_systemd_has_for_this_machine(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.credential(m, ann, "--with-key=host")
    m.reboot()
    launches_alone(m, "ann")


def test_a_tpm(m):
    ben = vm_acts.at(m, "ben")
    rc, out = ben.run("ccctl slot add tpm2", PASSPHRASE)
    assert rc != 0 and "tss" in out and "hint:" in out, out
    m.root("usermod", "-aG", "tss", "ben")
    ben.logout()
    vm_acts.gone(m, "ben")
    ben.login("ben", vm_acts.PEOPLE["ben"])
    ben.ok("ccctl slot add tpm2", PASSPHRASE)
    rc, out = ben.run("ccctl slot add tpm2", PASSPHRASE)
    assert rc == 0 and "ccctl slot rm" in out, out
    m.reboot()
    launches_alone(m, "ben")


def test_a_credential_that_is_sealed_to_the_tpm(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.credential(m, ann, "--with-key=tpm2")
    m.reboot()
    launches_alone(m, "ann")
