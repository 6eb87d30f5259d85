"""Two people on one machine: ann's shell, and what su and sudo make of its variables.  In a
mount namespace with a passwd file of its own, so root runs it."""
import os
import shutil
import subprocess

import pytest

from built import BUILD

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")]

ANN, BEN = 62001, 62002
PASS = "a long enough passphrase"


@pytest.fixture
def homes(tmp_path):
    tmp_path.chmod(0o755)
    for p in tmp_path.parents:
        if str(p).startswith("/tmp/pytest"):
            p.chmod(0o755)
    for uid, name in ((ANN, "ann"), (BEN, "ben")):
        for d in (f"home/{name}", f"run/{uid}"):
            (tmp_path / d).mkdir(parents=True, mode=0o700)
            os.chown(tmp_path / d, uid, uid)
    (tmp_path / "home").chmod(0o755)
    (tmp_path / "run").chmod(0o755)
    lines = open("/etc/passwd").read()
    for uid, name in ((ANN, "ann"), (BEN, "ben")):
        lines += f"{name}:x:{uid}:{uid}::{tmp_path}/home/{name}:/bin/sh\n"
    (tmp_path / "passwd").write_text(lines)
    (tmp_path / "shadow").write_text(open("/etc/shadow").read() + "ann:*:19000::::::\nben:*:19000::::::\n")
    (tmp_path / "group").write_text(open("/etc/group").read() + f"ann:x:{ANN}:\nben:x:{BEN}:\n")
    (tmp_path / "sudoers").write_text("root ALL=(ALL:ALL) NOPASSWD: ALL\n")
    (tmp_path / "sudoers").chmod(0o440)
    yield tmp_path
    for uid in (ANN, BEN):
        subprocess.run(["pkill", "-u", str(uid)], check=False)
    shutil.rmtree(tmp_path, ignore_errors=True)


def as_root_with_anns_variables(where, script):
    """What the script prints, with two more users on the machine and the variables of ann's
    shell, as after `sudo -E -s` in it."""
    mounts = "".join(f"mount --bind {where}/{f} /etc/{f}\n" for f in ("passwd", "shadow", "group", "sudoers"))
    env = {"PATH": f"{BUILD}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{where}/home/ann", "USER": "ann",
           "XDG_RUNTIME_DIR": f"{where}/run/{ANN}", "LANG": "C.UTF-8"}
    r = subprocess.run(["unshare", "-m", "sh", "-ec", mounts + script], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    return r.stdout


def made(where, user):
    text = f"{where}/pass.{user}"
    with open(text, "w") as f:
        f.write(PASS + "\n")
    os.chmod(text, 0o644)
    return f"su {user} -c '{BUILD}/bin/ccctl init --user --passphrase-fd 3 3< {text}'\n"


def test_su_keeps_anns_runtime_directory(homes):
    """`su ben` sets HOME and keeps XDG_RUNTIME_DIR: ben's broker is his, and works."""
    out = as_root_with_anns_variables(homes, made(homes, "ann") + made(homes, "ben") +
                                      f"su ben -c '{BUILD}/bin/ccctl status'\nsu ann -c '{BUILD}/bin/ccctl status'\n")
    assert out.count("unlocked") >= 2, out
    assert f"{homes}/home/ben/.local/state/ccrun/run/broker.sock (XDG_RUNTIME_DIR is no directory of yours" in out, out
    assert f"{homes}/run/{ANN}/ccrun/broker.sock\n" in out, out


def test_sudo_with_anns_home(homes):
    """`sudo -E -u ben`: HOME is ann's, and the line says so."""
    out = as_root_with_anns_variables(homes, made(homes, "ann") +
                                      f"sudo -E -u ben {BUILD}/bin/ccctl status || true\n"
                                      f"sudo -E -u ben {BUILD}/bin/ccctl unlock || true\n")
    assert f"HOME={homes}/home/ann leads there; after su or sudo: su -, sudo -i" in out, out


def test_what_sudo_left_needs_no_root(homes):
    """It is root's, in a directory of ann's: she moves it away."""
    share = homes / "home/ann/.local/share"
    share.mkdir(parents=True)
    for d in (share, share.parent):
        os.chown(d, ANN, ANN)
    (share / "ccrun").mkdir(mode=0o700)
    out = as_root_with_anns_variables(homes, f"su ann -c '{BUILD}/bin/ccctl init --user' || true\n")
    mend = f"mv {share}/ccrun {share}/ccrun.root"
    assert f"hint: root made it, as under sudo; out of the way with it: {mend}\n" in out and "chown" not in out, out
    out = as_root_with_anns_variables(homes, f"su ann -c '{mend}'\n" + made(homes, "ann"))
    assert (share / "ccrun/vault").exists(), out


def test_sudo_to_root_and_back(homes):
    """`sudo -E ccctl` as root with ann's variables: her broker is not taken for root's."""
    out = as_root_with_anns_variables(homes, made(homes, "ann") + f"sudo -E {BUILD}/bin/ccctl lock || true\n"
                                      f"su ann -c '{BUILD}/bin/ccctl status -q'; echo rc=$?\n")
    assert "rc=0" in out and f"HOME={homes}/home/ann leads there" in out, out
