"""Two at once, a full disk, a clock that is wrong: nothing is lost, and what is refused says why."""
import json

import pytest

import vm_acts

pytestmark = pytest.mark.vm


def test_two_users_at_once(m):
    ann, ben = vm_acts.at(m, "ann"), vm_acts.at(m, "ben")
    ben.ok("ccctl move system", vm_acts.PASSPHRASE)
    for t in (ann, ben):
        vm_acts.works(t)
    for t, other in ((ann, "ben"), (ben, "ann")):
        out = t.ok("ccrun --exec /usr/bin/env demo </dev/null")
        assert vm_acts.TOKENS[other] not in out
    vm_acts.lock_screen(m, "ann")
    vm_acts.is_locked_for(m, ann, "screen")
    vm_acts.works(ben)
    ben.logout()
    vm_acts.wait_for(lambda: vm_acts.last_lock(m, "ben", "system") == "logout", "ben's lock")
    vm_acts.unlock(ann)
    vm_acts.works(ann)


def test_a_full_disk_takes_nothing_away(m):
    """Nothing is released that cannot be recorded; what was there is there afterwards."""
    ann = vm_acts.at(m, "ann")
    m.sh("fallocate --length $(df --output=avail --block-size=1 / | tail -n 1) /filler; sync\n"
         "dd if=/dev/zero of=/filler2 bs=512 2>/dev/null; true")
    rc, out = ann.run("printf sk-another-key-of-no-value-1 | ccctl add --key other")
    assert rc != 0 and "No space left" in out, (rc, out)
    rc, out = ann.run("ccrun --exec /usr/bin/env demo </dev/null")
    # A filled page of the record may have had room for the line; then it is written.
    assert (rc == 0) == ("=" + vm_acts.TOKENS["ann"] in out), (rc, out)
    m.root("rm", "-f", "/filler", "/filler2")
    vm_acts.works(ann)
    ann.ok("printf sk-another-key-of-no-value-1 | ccctl add --key other")
    vm_acts.restart(m)
    vm_acts.unlock(ann)
    assert set(json.loads(ann.ok("ccctl keys --json"))[i]["name"] for i in range(3)) == {"demo", "via", "other"}
    assert "intact" in ann.ok("ccctl log --verify --json")


def test_a_clock_that_is_set_back_a_day(m):
    ann = vm_acts.at(m, "ann")
    vm_acts.works(ann)
    m.root("date", "--set", "-1 day")
    assert vm_acts.is_open(ann)
    vm_acts.works(ann)
    vm_acts.restart(m)
    vm_acts.unlock(ann)
    vm_acts.works(ann)
    assert json.loads(ann.ok("ccctl log --verify --json"))["intact"]
    vm_acts.lock_by(m, ann, "screen", "system")


def test_a_runtime_directory_of_roots(m):
    """As a person has it after su from root's shell."""
    ann = vm_acts.at(m, "ann")
    vm_acts.works(ann)
    for name in ("ann", "ben"):
        r = m.sh(f"XDG_RUNTIME_DIR=/run/user/0 runuser -u {name} -- sh -c 'cd; ccrun --exec /usr/bin/env demo </dev/null'")
        assert "=" + vm_acts.TOKENS[name] in r.out, r
