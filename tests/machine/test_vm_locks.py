"""Suspend, screen lock and log-out lock the vault, however it was opened: typed, or by what
needs no person, where nobody's ccctl has started a watcher."""
import pytest

import vm_acts
from vm_acts import EVENTS, PASSPHRASE

pytestmark = pytest.mark.vm


def test_a_vault_that_was_opened_by_hand(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.is_watched(m, ann)
    for event in EVENTS:
        vm_acts.lock_by(m, ann, event, "system")
        if event != EVENTS[-1]:
            vm_acts.unlock(ann)
    vm_acts.unlock(ann)
    vm_acts.works(ann)


def test_one_that_a_keyfile_opened_at_start_and_after_a_crash(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.keyfile(m, ann)
    for event in EVENTS:
        vm_acts.restart(m)
        vm_acts.opens_by_itself(ann)
        vm_acts.is_watched(m, ann)
        vm_acts.lock_by(m, ann, event, "system")
    vm_acts.crash(m)
    vm_acts.opens_by_itself(ann)
    vm_acts.is_watched(m, ann)
    vm_acts.lock_by(m, ann, "screen", "system")


def test_one_that_a_credential_opened(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.credential(m, ann)
    for event in EVENTS:
        vm_acts.restart(m)
        vm_acts.opens_by_itself(ann)
        vm_acts.is_watched(m, ann)
        vm_acts.lock_by(m, ann, event, "system")


@pytest.mark.parametrize("event", EVENTS)
def test_one_that_moved_to_the_system_broker(m, event):
    ben = vm_acts.at(m, "ben")
    ben.ok("ccctl move system", PASSPHRASE)
    assert vm_acts.is_open(ben)
    vm_acts.is_watched(m, ben)
    vm_acts.lock_by(m, ben, event, "system")


def test_without_polkit_nothing_waits_which_is_said_and_it_is_locked_all_the_same(m):
    m.root("systemctl", "mask", "--now", "polkit.service")
    ann = vm_acts.at(m, "ann")
    vm_acts.restart(m)
    vm_acts.unlock(ann)
    vm_acts.wait_for(lambda: vm_acts.status(ann)["watched"], "a watcher")
    assert not vm_acts.status(ann)["delays"]
    assert "does polkit run?" in ann.ok("ccctl status")
    for event in EVENTS[:2]:
        vm_acts.lock_by(m, ann, event, "system")
        vm_acts.unlock(ann)
    m.root("systemctl", "unmask", "polkit.service")
    vm_acts.restart(m)
    vm_acts.unlock(ann)
    vm_acts.is_watched(m, ann)
