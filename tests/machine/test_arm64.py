"""The arm64 packages on an arm64 kernel: installed, a vault made, a key launched with, locked."""
import shutil

import pytest

import arm64_machine
from debs import built_for, package

pytestmark = pytest.mark.arm64
RELEASE = "trixie"
TOKEN = "sk-arm-P3mvXk8sQd1Zt6Yc0Hb5"
PROVIDER = "[provider]\ntitle = {0}\nbase_url = http://127.0.0.1:8126\nauth = bearer\ndocs = a loopback endpoint\n{1}"
ROOT = """set -e
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates; touch /var/lib/dpkg/status
dpkg --force-depends --install /debs/*.deb
python3 /endpoint.py --port 8126 --port-file /run/port --log /run/seen --max-seconds 1e9 &
while [ ! -e /run/port ]; do sleep 1; done
install -d -o ann -g ann -m 700 /run/user /run/user/1000
chown -R ann:ann /home/ann; chmod -R go-rwx /home/ann
setpriv --reuid 1000 --regid 1000 --clear-groups env -i PATH=$PATH LC_ALL=C.UTF-8 HOME=/home/ann \\
	XDG_RUNTIME_DIR=/run/user/1000 sh /steps </dev/null
grep -c "Bearer TOKEN" /run/seen
"""
STEPS = """cd
pass() { printf 'correct horse battery staple\\n'; }
step() { echo "STEP $1"; shift; "$@"; echo "DONE $?"; }
step machine uname -m
pass >p; step init ccctl init --user --passphrase-fd 3 3<p
printf TOKEN >t
step add ccctl add demo --allow delivery=preload <t
step add-via ccctl add via <t
step get sh -c 'ccctl get demo --passphrase-fd 3 3<p | cat'; echo
step launch ccrun --exec /usr/bin/env demo
step relay ccctl test --model model-one via
step status ccctl status
step lock ccctl lock
step locked-launch ccrun --exec /usr/bin/env demo
step unlock sh -c 'ccctl unlock --passphrase-fd 3 3<p'
step launch-again ccrun --exec /usr/bin/env demo
step log ccctl log --verify
"""


def steps_of(text):
    """{step: (exit code, what it printed)}"""
    found = {}
    for part in text.split("STEP ")[1:]:
        said, _, after = part.partition("DONE ")
        name, _, said = said.partition("\n")
        found[name.strip()] = (int(after.split()[0]), said)
    return found


def test_installed_used_and_locked_on_arm64():
    if not shutil.which(arm64_machine.QEMU):
        pytest.skip(f"no {arm64_machine.QEMU}")
    deb = package(built_for(f"{RELEASE}-arm64"), "ccrun")
    home = "home/ann/.config/ccrun/providers/"
    said = arm64_machine.play(RELEASE, [deb], ROOT.replace("TOKEN", TOKEN),
                              {"steps": STEPS.replace("TOKEN", TOKEN), home + "via.conf": PROVIDER.format("via", ""),
                               home + "demo.conf": PROVIDER.format("demo", "[policy]\ndelivery = preload\n")})
    steps = steps_of(said)
    assert "END 0" in said, said[-4000:]
    assert steps["machine"] == (0, "aarch64\n"), steps["machine"]
    for name, (rc, text) in steps.items():
        assert (rc == 0) == (name != "locked-launch"), (name, rc, text)
    assert steps["get"][1].strip() == TOKEN
    assert "=" + TOKEN in steps["launch"][1] and "=" + TOKEN in steps["launch-again"][1]
    assert TOKEN not in steps["locked-launch"][1]
    assert "works" in steps["relay"][1], steps["relay"]
    for good in ("memory", "caged"):
        assert good in steps["status"][1], steps["status"]
