"""A project that was allowed, in the work trees of its git repository: real ones, and
directories that only say that they belong to it."""
import json
import os
import shutil

import pytest

from ccrun import Ccrun
from git_repos import Git

ENV = ["--exec", "/usr/bin/env"]
PIN = "provider = demo\n"


@pytest.fixture
def c():
    with Ccrun() as world:
        for name in ("demo", "other"):
            world.provider(name, title=name.title(), base_url=f"http://127.0.0.1:9/{name}", auth="none")
        yield world


@pytest.fixture
def git(c):
    return Git(c.home)


@pytest.fixture
def top(c, git):
    """A repository with an allowed pin."""
    top = git.repo("app")
    (top / ".ccrun").write_text(PIN)
    (top / "sub").mkdir()
    (top / "sub/.ccrun").write_text("provider = other\n")
    git.commit(top)
    allow(c, top)
    return top


def allow(c, where, *words):
    r = c.ccctl("allow", *words, str(where))
    assert r.rc == 0, r
    return r


def follows(c, where):
    """The provider that `ccrun` without one runs there, or None: refused."""
    r = c.ccrun(*ENV, cwd=where)
    if r.rc == 125 and "was not allowed by you" in r.err:
        return None
    if r.rc == 125 and "has changed since you allowed it" in r.err:
        return "changed"
    assert r.rc == 0, r
    return dict(line.split("=", 1) for line in r.out.splitlines() if "=" in line)["CCRUN_PROVIDER"]


def worktree(git, top, name, *how):
    where = git.home / name
    git.run("worktree", "add", "-q", *how, where, cwd=top)
    return where


# ---- what a person does ----

def test_a_worktree_made_afterwards_and_one_made_before(c, git, top):
    after = worktree(git, top, "after")
    assert follows(c, after) == "demo"
    assert c.ccctl("deny", str(top)).rc == 0
    assert follows(c, after) is None
    allow(c, after)
    assert follows(c, top) == "demo"


def test_a_detached_one_and_one_inside_the_repository(c, git, top):
    assert follows(c, worktree(git, top, "detached", "--detach")) == "demo"
    assert follows(c, worktree(git, top, "app/.claude/worktrees/feature")) == "demo"


def test_a_bare_repository_with_worktrees_alone(c, git, top):
    git.run("clone", "-q", "--bare", top, git.home / "bare.git", cwd=git.home)
    one, two = (worktree(git, git.home / "bare.git", name, "--detach") for name in ("one", "two"))
    assert follows(c, one) is None
    allow(c, one)
    assert follows(c, two) == "demo"


def test_relative_links_between_them(c, git, top):
    where = worktree(git, top, "relative")
    (where / ".git").write_text("gitdir: ../app/.git/worktrees/relative\n")
    (top / ".git/worktrees/relative/gitdir").write_text("../../../../relative/.git\n")
    assert follows(c, where) == "demo"


def test_one_that_was_moved_by_git(c, git, top):
    where = worktree(git, top, "old")
    git.run("worktree", "move", where, git.home / "new place", cwd=top)
    assert follows(c, git.home / "new place") == "demo"


def test_another_content_is_asked_about(c, git, top):
    where = worktree(git, top, "wt")
    (where / ".ccrun").write_text("provider = other\n")
    assert follows(c, where) is None
    allow(c, where)
    assert follows(c, where) == "other"
    assert follows(c, top) == "demo"
    # Each branch's content is known now, in a third work tree of either.
    third = worktree(git, top, "third")
    assert follows(c, third) == "demo"
    (third / ".ccrun").write_text("provider = other\n")
    assert follows(c, third) == "other"


def test_a_change_where_it_was_decided_is_asked_about(c, git, top):
    where = worktree(git, top, "wt")
    (where / ".ccrun").write_text("provider = other\n")
    allow(c, where)
    (top / ".ccrun").write_text("provider = other\n")
    assert follows(c, top) == "changed"


def test_another_place_in_the_repository_is_not_meant(c, git, top):
    where = worktree(git, top, "wt")
    assert follows(c, where / "sub") is None
    (where / "sub/.ccrun").write_text(PIN)
    assert follows(c, where / "sub") is None


def test_deny_in_a_worktree_ends_it_for_all_that_were_not_asked(c, git, top):
    one, two = worktree(git, top, "one"), worktree(git, top, "two")
    allow(c, two)
    r = c.ccctl("deny", str(one))
    assert r.rc == 0, r
    assert [follows(c, w) for w in (one, two, top)] == [None, "demo", "demo"]


# ---- who only says so ----

def forged(c, top, where, kind):
    """A directory with the same pin that poses as a work tree of the repository."""
    where.mkdir()
    (where / ".ccrun").write_text(PIN)
    if kind == "names a worktree of it":
        (where / ".git").write_text(f"gitdir: {top}/.git/worktrees/real\n")
    elif kind == "names the repository":
        (where / ".git").write_text(f"gitdir: {top}/.git\n")
    elif kind == "links to it":
        (where / ".git").symlink_to(top / ".git")
    elif kind == "a git directory of its own that names the repository":
        own = where / "own/worktrees/x"
        own.mkdir(parents=True)
        (own / "HEAD").write_text("ref: refs/heads/main\n")
        (own / "commondir").write_text(f"{top}/.git\n")
        (own / "gitdir").write_text(f"{where}/.git\n")
        (where / ".git").write_text(f"gitdir: {own}\n")
    elif kind == "a link below worktrees":
        own = where / "own"
        own.mkdir()
        (own / "HEAD").write_text("ref: refs/heads/main\n")
        (own / "commondir").write_text(f"{top}/.git\n")
        (own / "gitdir").write_text(f"{where}/.git\n")
        (top / ".git/worktrees/x").symlink_to(own)
        (where / ".git").write_text(f"gitdir: {top}/.git/worktrees/x\n")


@pytest.mark.parametrize("kind", ["names a worktree of it", "names the repository", "links to it",
                                  "a git directory of its own that names the repository", "a link below worktrees"])
def test_a_directory_that_poses_as_one(c, git, top, kind):
    assert follows(c, worktree(git, top, "real")) == "demo"
    forged(c, top, git.home / "download", kind)
    assert follows(c, git.home / "download") is None


@pytest.mark.parametrize("path", [".git/worktrees/real", ".git/worktrees/real/gitdir", ".git"])
def test_a_registration_that_others_can_write(c, git, top, path):
    where = worktree(git, top, "real")
    assert follows(c, where) == "demo"
    (top / path).chmod(0o777)
    assert follows(c, where) is None


def test_a_registration_that_belongs_to_another_place(c, git, top):
    where = worktree(git, top, "real")
    shutil.copytree(where, git.home / "copy", symlinks=True)
    assert follows(c, git.home / "copy") is None
    git.run("worktree", "remove", "--force", where, cwd=top)
    assert follows(c, git.home / "copy") is None


def test_a_submodule_and_a_clone_are_others(c, git, top):
    git.run("clone", "-q", top, git.home / "clone", cwd=git.home)
    assert follows(c, git.home / "clone") is None
    git.run("submodule", "add", "-q", str(top), "mod", cwd=git.home / "clone")
    assert follows(c, git.home / "clone/mod") is None
    # and what is allowed in one of those holds there alone
    allow(c, git.home / "clone/mod")
    assert follows(c, git.home / "clone/mod") == "demo"
    assert follows(c, git.home / "clone") is None


# ---- the list ----

def test_the_list(c, git, top):
    alone = git.home / "alone"
    alone.mkdir()
    (alone / ".ccrun").write_text("provider = other\n")
    allow(c, alone)
    gone = git.home / "gone"
    shutil.copytree(alone, gone)
    allow(c, gone)
    shutil.rmtree(gone)
    (alone / ".ccrun").write_text(PIN)
    r = c.ccctl("allow", "--list")
    assert r.rc == 0, r
    lines = [line.split(None, 2) for line in r.out.splitlines()]
    assert lines == [["demo", "same", f"{top}/.ccrun"],
                     ["demo", ".ccrun", f"in every work tree of {top}/.git"],
                     ["other", "changed", f"{alone}/.ccrun"], ["other", "gone", f"{gone}/.ccrun"]]
    rows = json.loads(c.ccctl("allow", "--list", "--json").out)
    assert rows[0] == {"path": f"{top}/.ccrun", "provider": "demo", "mode": None, "state": "same"}
    assert rows[1] == {"repository": f"{top}/.git", "inside": ".ccrun", "provider": "demo", "mode": None}


def test_an_empty_list(c):
    r = c.ccctl("allow", "--list")
    assert (r.rc, r.out) == (0, "") and "no project is allowed" in r.err
    assert c.ccctl("allow", "--json").rc == 2
    assert c.ccctl("allow", "--list", "here").rc == 2


def test_a_path_that_steers_no_terminal(c):
    where = c.home / "a\x1b[31mb"
    where.mkdir()
    (where / ".ccrun").write_text(PIN)
    allow(c, where)
    assert "\x1b" not in c.ccctl("allow", "--list").out


def test_a_worktree_below_a_home_that_is_a_link(c, git, top):
    where = worktree(git, top, "wt")
    os.symlink(git.home, git.home.parent / "link")
    assert follows(c, git.home.parent / "link" / where.name) == "demo"
