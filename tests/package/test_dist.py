"""make dist: the same commit is the same bytes, and a signature that ssh-keygen checks."""
import subprocess
import tarfile

import pytest

from client import REPO


def git(where, *words):
    return subprocess.run(["git", "-C", where, "-c", "user.name=t", "-c", "user.email=t@t.test", *words],
                          check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path):
    """A commit of what there is now, changed or not."""
    where = tmp_path / "checkout"
    where.mkdir()
    names = subprocess.run([REPO / "tools/files"], capture_output=True, check=True).stdout
    packed = subprocess.run(["tar", "-C", REPO, "--null", "-T", "-", "-cf", "-"], input=names, capture_output=True, check=True)
    subprocess.run(["tar", "-C", where, "-xf", "-"], input=packed.stdout, check=True)
    git(where, "init", "-q")
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "all")
    return where


def test_a_release_is_signed_and_the_same_twice(checkout, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    made = []
    for _ in range(2):
        subprocess.run(["make", "-s", "-C", checkout, "dist", f"KEY={key}"], check=True, capture_output=True)
        tarball = next((checkout / "build/dist").glob("ccrun-*.tar.gz"))
        made.append(tarball.read_bytes())
    assert made[0] == made[1]
    signers = tmp_path / "allowed_signers"
    signers.write_text("maintainers " + key.with_suffix(".pub").read_text())
    verify = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "maintainers", "-n", "ccrun", "-s", f"{tarball}.sig"]
    assert subprocess.run(verify, input=made[0], capture_output=True).returncode == 0
    assert subprocess.run(verify, input=made[0] + b"x", capture_output=True).returncode != 0
    with tarfile.open(tarball) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        tops = {name.partition("/")[0] for name in tar.getnames()}
    assert len(tops) == 1 and {"Makefile", "README.md", "CHANGELOG.md", "debian/rules"} <= names
    assert not any(name.startswith("build") or name == ".git" for name in names)


def test_no_release_of_what_is_not_committed(checkout):
    (checkout / "README.md").write_text("changed\n")
    r = subprocess.run(["make", "-s", "-C", checkout, "dist"], capture_output=True, text=True)
    assert r.returncode != 0 and "not committed" in r.stderr
