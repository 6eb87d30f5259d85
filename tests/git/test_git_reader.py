"""The status line's reader of .git against the real git: every kind of repository
that git makes, and what git itself says of it."""
import os
import subprocess

import pytest

from built import SHIPPED
from git_repos import Git, LONG_AGO

SHOW = str(SHIPPED / "tests/show_git")


@pytest.fixture
def git(tmp_path):
    return Git(tmp_path)


def show(where, budget=10000, cwd="/", **env):
    argv = [SHOW, str(where)] + ([str(budget)] if budget is not None else [])
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd, check=False, timeout=30)
    assert r.returncode == 0, r
    return dict(item.split("=", 1) for item in r.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1])


def agrees(git, where, repo="app", **more):
    """As git says; returns what was shown."""
    got = show(where)
    branch, state = git.says(where)
    want = {"found": "1", "branch": branch, "dirty": state, "repo": repo, "detached": "0", "worktree": "0",
            "submodule": "0", **more}
    assert {k: got[k] for k in want} == want
    return got


# ---- finding, HEAD and names ----

def test_a_normal_repository_from_anywhere_in_it(git):
    top = git.repo()
    agrees(git, top)
    agrees(git, top / "dir")
    git.run("checkout", "-q", "-b", "feature/with/slashes", cwd=top)
    assert agrees(git, top / "dir")["branch"] == "feature/with/slashes"
    assert show(top, None)["dirty"] == "unknown", "not asked for"


def test_no_repository(git):
    assert show(git.home)["found"] == "0"
    assert show(git.home / "nowhere")["found"] == "0"
    assert show(git.home / ".gitconfig")["found"] == "0", "a file is no directory"


def test_the_environment_is_ignored(git):
    top = git.repo()
    other = git.repo("other")
    assert show(top, GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other))["repo"] == "app"
    assert show(git.home, GIT_DIR=str(other / ".git"))["found"] == "0"


def test_an_unborn_branch(git):
    top = git.repo(commit=False)
    got = show(top)
    assert (got["branch"], got["dirty"], git.says(top)[1]) == ("main", "clean", "clean")
    git.write(top / "file", "one\n")
    git.run("add", "file", cwd=top)
    assert show(top)["dirty"] == git.says(top)[1] == "dirty"
    git.run("symbolic-ref", "HEAD", "refs/heads/trunk", cwd=top)
    assert show(top)["branch"] == "trunk"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_detached_and_at_a_tag(git, algorithm):
    top = git.repo("app", "--object-format=" + algorithm)
    agrees(git, top)
    short = git.run("rev-parse", "HEAD", cwd=top)[:7]
    git.run("tag", "v1", cwd=top)
    for what in ("--detach", "v1"):
        git.run("checkout", "-q", what, cwd=top)
        agrees(git, top, branch=short, detached="1")
    git.write(top / "file", "longer than it was\n")
    agrees(git, top, branch=short, detached="1")


def test_a_ref_that_is_no_branch(git):
    top = git.repo()
    git.run("symbolic-ref", "HEAD", "refs/remotes/origin/x", cwd=top)
    assert show(top)["branch"] == "remotes/origin/x"


def test_head_as_a_symbolic_link(git):
    top = git.repo()
    (top / ".git/HEAD").unlink()
    (top / ".git/HEAD").symlink_to("refs/heads/main")
    agrees(git, top)


def test_linked_worktrees(git):
    top = git.repo()
    git.run("worktree", "add", "-q", "-b", "side", git.home / "elsewhere", cwd=top)
    agrees(git, git.home / "elsewhere/dir", worktree="1")
    git.write(git.home / "elsewhere/file", "changed there\n")
    agrees(git, git.home / "elsewhere", worktree="1")
    agrees(git, top)
    git.run("worktree", "add", "-q", "--detach", top / "inside", cwd=top)
    agrees(git, top / "inside", worktree="1", detached="1", branch=git.run("rev-parse", "HEAD", cwd=top)[:7])


def test_submodules_and_what_is_in_them(git):
    inner, middle, outer = git.repo("inner"), git.repo("middle"), git.repo("app")
    git.run("submodule", "--quiet", "add", inner, "lib/deep", cwd=middle)
    git.commit(middle)
    git.run("submodule", "--quiet", "add", middle, "sub", cwd=outer)
    git.run("submodule", "--quiet", "update", "--init", "--recursive", cwd=outer)
    git.commit(outer)
    agrees(git, outer)
    agrees(git, outer / "sub", "sub", submodule="1")
    got = agrees(git, outer / "sub/lib/deep/dir", "deep", submodule="1",
                 branch=git.run("rev-parse", "HEAD", cwd=inner)[:7], detached="1")
    assert got["url"] == "", "its origin is a path"
    git.write(outer / "sub/lib/deep/file", "changed in here\n")
    agrees(git, outer / "sub/lib/deep", "deep", submodule="1", detached="1", branch=got["branch"])
    git.run("worktree", "add", "-q", "-b", "side", git.home / "elsewhere", cwd=outer / "sub")
    agrees(git, git.home / "elsewhere", "sub", worktree="1", submodule="1")


def test_a_separate_git_dir(git):
    (git.home / "kept/modules").mkdir(parents=True)
    top = git.repo("app", "--separate-git-dir", git.home / "kept/modules/app")
    agrees(git, top / "dir")
    (top / ".git").write_text("gitdir: ../kept/modules/app\r\n")
    assert show(top)["branch"] == "main"


def test_bare_repositories(git):
    top = git.repo("source")
    bare = git.home / "app.git"
    git.run("clone", "-q", "--bare", top, bare, cwd=git.home)
    for where in (bare, bare / "objects", bare / "refs/heads"):
        got = show(where)
        assert (got["found"], got["branch"], got["repo"], got["dirty"]) == ("1", "main", "app", "unknown")
    git.run("worktree", "add", "-q", "-b", "side", git.home / "elsewhere", cwd=bare)
    agrees(git, git.home / "elsewhere", worktree="1")
    assert show(top / ".git")["repo"] == "source"
    hidden = git.home / "project"
    git.run("clone", "-q", "--bare", top, hidden / ".bare", cwd=git.home)
    (hidden / ".git").write_text("gitdir: ./.bare\n")
    git.run("worktree", "add", "-q", hidden / "main", "main", cwd=hidden)
    agrees(git, hidden / "main", "project", worktree="1")


def test_reftable_shows_no_branch(git):
    top = git.home / "app"
    top.mkdir()
    if "reftable" not in git.run("init", "-h", cwd=top, check=False) or \
            subprocess.run(["git", "init", "-q", "--ref-format=reftable"], cwd=top, env=git.env, check=False).returncode:
        # As git 2.45 makes it.
        git.run("init", "-q", cwd=top)
        (top / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")
        (top / ".git/refs/heads").rmdir()
        (top / ".git/refs/heads").write_text("this repository uses the reftable format\n")
    got = show(top)
    assert (got["found"], got["branch"], got["repo"]) == ("1", "", "app")


def conflict(git, top):
    git.run("checkout", "-q", "-b", "topic", cwd=top)
    git.write(top / "file", "theirs, longer\n")
    git.commit(top)
    git.run("checkout", "-q", "main", cwd=top)
    git.write(top / "file", "ours\n")
    git.commit(top)


def test_rebase_merge_and_bisect_in_progress(git):
    top = git.repo()
    conflict(git, top)
    git.run("merge", "topic", cwd=top, check=False)
    agrees(git, top, branch="main|merge")
    git.run("merge", "--abort", cwd=top)
    agrees(git, top)
    for how in ("--merge", "--apply"):
        git.run("rebase", how, "main", "topic", cwd=top, check=False)
        agrees(git, top, branch="topic|rebase", detached="1")
        git.run("rebase", "--abort", cwd=top)
        agrees(git, top)
    git.run("checkout", "-q", "main", cwd=top)
    git.write(top / "more", "x\n")
    git.commit(top)
    git.run("bisect", "start", "HEAD", "HEAD~2", cwd=top)
    agrees(git, top, branch="main|bisect", detached="1")
    git.run("bisect", "reset", cwd=top)
    agrees(git, top)


def test_a_linked_directory_is_where_it_leads(git):
    top = git.repo()
    (git.home / "shortcut").symlink_to(top / "dir")
    agrees(git, git.home / "shortcut")
    for cwd in (top / "dir", git.home / "shortcut", git.home):
        assert show(git.home / "shortcut", cwd=cwd)["repo"] == "app"
        assert show(".", cwd=cwd)["found"] == ("0" if cwd == git.home else "1")
    (git.home / "moved").mkdir()
    (top / ".git").rename(git.home / "moved/.git")
    (top / ".git").symlink_to(git.home / "moved/.git")
    agrees(git, top)


def test_a_file_systems_border_is_not_crossed(git):
    top = git.repo()
    script = 'mount -t tmpfs none "$1/dir" && mkdir "$1/dir/sub" && git -C "$1/dir/sub" rev-parse; "$0" "$1/dir/sub"'
    r = subprocess.run(["unshare", "-Urm", "sh", "-c", script, SHOW, top], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env=git.env, check=False, timeout=30)
    if b"not a git repository" not in r.stderr:
        pytest.skip("no mounts in a user namespace here: " + r.stderr.decode())
    assert r.stdout.startswith(b"found=0\0")


def test_origin(git):
    top = git.repo()
    git.run("remote", "add", "origin", "https://user:secret-token@example.com/owner/app.git", cwd=top)
    got = agrees(git, top)
    assert got["url"] == "https://example.com/owner/app"
    git.run("remote", "set-url", "origin", "git@example.com:owner/sub/app.git", cwd=top)
    git.run("remote", "add", "other", "git@example.com:other/app.git", cwd=top)
    assert show(top)["url"] == "https://example.com/owner/sub/app"
    git.run("worktree", "add", "-q", "-b", "side", git.home / "elsewhere", cwd=top)
    assert show(git.home / "elsewhere")["url"] == "https://example.com/owner/sub/app"
    git.run("config", "include.path", git.home / "more", cwd=top)
    (git.home / "more").write_text('[remote "origin"]\n\turl = https://example.com/not/me\n')
    git.run("config", "--unset", "remote.origin.url", cwd=top)
    assert git.run("config", "remote.origin.url", cwd=top) and show(top)["url"] == "", "no includes"


# ---- changes ----

CHANGES = {
    "size": lambda git, top: git.write(top / "file", "one and more\n"),
    "time": lambda git, top: git.write(top / "dir/other", "owt\n", LONG_AGO + 1),
    "missing": lambda git, top: (top / "dir/other").unlink(),
    "missing directory": lambda git, top: (top / "dir").rename(top / "moved"),
    "mode": lambda git, top: (top / "file").chmod(0o755),
    "no longer executable": lambda git, top: (top / "dir/script").chmod(0o644),
    "another link": lambda git, top: ((top / "link").unlink(), (top / "link").symlink_to("dir/script")),
    "link to file": lambda git, top: ((top / "link").unlink(), git.write(top / "link", "dir/other")),
    "directory linked": lambda git, top: ((top / "dir").rename(top / "moved"), (top / "dir").symlink_to("moved")),
    "staged": lambda git, top: (git.write(top / "file", "a new one\n"), git.run("add", "file", cwd=top)),
    "staged, and back": lambda git, top: (git.write(top / "file", "longer\n"), git.run("add", "file", cwd=top),
                                          git.write(top / "file", "one\n")),
    "staged file": lambda git, top: (git.write(top / "new", "new\n"), git.run("add", "new", cwd=top)),
    "removed": lambda git, top: git.run("rm", "-q", "file", cwd=top),
    "removed from the index": lambda git, top: git.run("rm", "-q", "--cached", "dir/other", cwd=top),
    "all removed": lambda git, top: git.run("rm", "-q", "-r", ".", cwd=top),
    "renamed": lambda git, top: git.run("mv", "file", "renamed", cwd=top),
    "mode staged": lambda git, top: git.run("update-index", "--chmod=+x", "file", cwd=top),
    "intent to add": lambda git, top: (git.write(top / "new", "new\n"), git.run("add", "-N", "new", cwd=top)),
}


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("change", sorted(CHANGES))
def test_changes(git, change, version):
    top = git.repo()
    git.run("update-index", "--index-version", version, cwd=top)
    agrees(git, top)
    CHANGES[change](git, top)
    got = agrees(git, top)
    assert got["dirty"] == "dirty"


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_every_version_of_the_index_with_many_files(git, version, algorithm):
    top = git.repo("app", "--object-format=" + algorithm, commit=False)
    files = [f"d{i % 7}/e{i % 13}/{'n' * (i % 100)}{i}" for i in range(1500)]
    files += ["/".join(["deep"] * 40) + "/f", "d1.x/f", "d1-x", "d1x/" + "long" * 50 + "/f"]
    for name in files:
        git.write(top / name, name)
    git.commit(top)
    if version == "3":  # has flags that 2 has not
        git.run("update-index", "--skip-worktree", files[3], cwd=top)
        git.commit_nothing(top)
    else:
        git.run("update-index", "--index-version", version, cwd=top)
    assert (top / ".git/index").read_bytes()[4:8] == bytes([0, 0, 0, int(version)])
    agrees(git, top)
    for name in (files[0], files[700], files[-4]):
        git.write(top / name, "changed, another size than before\n")
        assert agrees(git, top)["dirty"] == "dirty", name
        git.write(top / name, name)
        agrees(git, top)


def test_untracked_ignored_and_assumed(git):
    top = git.repo()
    git.write(top / "untracked", "x")
    agrees(git, top)
    git.run("update-index", "--assume-unchanged", "file", cwd=top)
    git.run("update-index", "--skip-worktree", "dir/other", cwd=top)
    git.commit_nothing(top)
    git.write(top / "file", "changed, but not to be looked at")
    git.write(top / "dir/other", "this, too")
    assert agrees(git, top)["dirty"] == "clean"


def test_modes_that_the_configuration_ignores(git):
    top = git.repo()
    git.run("config", "core.fileMode", "false", cwd=top)
    (top / "file").chmod(0o755)
    assert agrees(git, top)["dirty"] == "clean"
    git.run("config", "core.symlinks", "false", cwd=top)
    when = (top / "link").lstat().st_mtime_ns
    (top / "link").unlink()
    git.write(top / "link", "dir/other")
    os.utime(top / "link", ns=(when, when))
    assert agrees(git, top)["dirty"] == "clean"


def test_conflicts(git):
    top = git.repo()
    conflict(git, top)
    git.run("cherry-pick", "topic", cwd=top, check=False)
    assert agrees(git, top)["dirty"] == "dirty"


@pytest.mark.parametrize("index", ["--no-sparse-index", "--sparse-index"])
def test_sparse_checkout(git, index):
    top = git.repo()
    for i in range(20):
        git.write(top / f"big/part{i % 3}/f{i}", "x\n")
    git.commit(top)
    git.run("sparse-checkout", "init", "--cone", index, cwd=top)
    git.run("sparse-checkout", "set", "dir", cwd=top)
    assert not (top / "big").exists()
    assert agrees(git, top)["dirty"] == "clean"
    git.write(top / "dir/other", "changed, and in the checkout\n")
    assert agrees(git, top)["dirty"] == "dirty"


def test_a_split_index_is_not_told(git):
    top = git.repo()
    git.run("update-index", "--split-index", cwd=top)
    assert list((top / ".git").glob("sharedindex.*"))
    assert show(top)["dirty"] == "unknown"
    git.write(top / "file", "changed, where nobody looks\n")
    assert show(top)["dirty"] == "unknown"


def test_an_index_that_never_looked_is_not_told(git):
    top = git.repo()
    git.run("read-tree", "--empty", cwd=top)
    git.run("read-tree", "HEAD", cwd=top)
    assert show(top)["dirty"] == "unknown"
    git.run("status", cwd=top)
    agrees(git, top)


def test_what_is_said_not_to_be_seen(git):
    """The limits that the header names are these."""
    top = git.repo()
    git.write(top / "file", "second\n")
    git.commit(top)
    git.run("reset", "-q", "--soft", "HEAD~", cwd=top)
    assert (show(top)["dirty"], git.says(top)[1]) == ("clean", "dirty")
    git.run("reset", "-q", "--hard", cwd=top)
    git.write(top / "file", "one\n", LONG_AGO + 5)
    assert (show(top)["dirty"], git.says(top)[1]) == ("dirty", "clean")
    git.run("status", cwd=top)
    agrees(git, top)
    git.write(top / "file", "staged, and taken out again\n")
    git.run("add", "file", cwd=top)
    git.run("restore", "--staged", "--worktree", "file", cwd=top)
    assert (show(top)["dirty"], git.says(top)[1]) == ("dirty", "clean")
    git.commit_nothing(top)
    agrees(git, top)


def test_no_time_no_answer(git):
    top = git.repo()
    git.write(top / "file", "changed\n")
    assert show(top, 0)["dirty"] == "unknown"
    assert show(top, -5)["dirty"] == "unknown"
    git.run("add", "file", cwd=top)
    assert show(top)["dirty"] == "dirty"


def test_a_work_tree_elsewhere_is_not_looked_at(git):
    top = git.repo()
    git.run("config", "core.worktree", git.home, cwd=top)
    assert show(top)["dirty"] == "unknown"
    git.run("config", "core.worktree", top, cwd=top)
    agrees(git, top)


# ---- cost ----

def test_a_plain_look_is_a_handful_of_calls(git):
    """Counted, not timed; nothing is run, and nothing written."""
    top = git.repo()
    trace = git.home / "trace"
    subprocess.run(["strace", "-f", "-o", trace, SHOW, str(top / "dir")], check=True, stdout=subprocess.DEVNULL,
                   cwd=top / "dir")
    lines = trace.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if str(top / "dir") in line and "exec" not in line)
    last = max(i for i, line in enumerate(lines) if ".git/" in line)
    assert last - first < 20, "\n".join(lines[first:last + 1])
    assert sum("exec" in line for line in lines) == 1
    assert not any("O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line for line in lines[first:last + 1])
