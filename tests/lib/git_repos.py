"""Real git repositories in a private home."""
import os
import subprocess

LONG_AGO = 1_600_000_000


class Git:
    """Real repositories in a private home; nobody's configuration."""

    def __init__(self, home):
        self.home = home
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
                    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_EDITOR": "true",
                    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com"}
        (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n")

    def run(self, *args, cwd, check=True, **env):
        r = subprocess.run(["git", *map(str, args)], cwd=cwd, env={**self.env, **env}, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False, timeout=60)
        assert r.returncode == 0 or not check, (args, r.stderr)
        return r.stdout.decode().rstrip("\n")

    def repo(self, name="app", *init, commit=True):
        top = self.home / name
        top.mkdir(parents=True)
        self.run("init", "-q", *init, cwd=top)
        if commit:
            self.write(top / "file", "one\n")
            self.write(top / "dir/other", "two\n")
            self.write(top / "dir/script", "#!/bin/sh\n")
            (top / "dir/script").chmod(0o755)
            (top / "link").symlink_to("dir/other")
            self.commit(top)
        return top

    def write(self, path, text, when=LONG_AGO):
        """In the past, so that no file is as new as the index."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (when, when))

    def commit(self, top, message="m"):
        self.run("add", "-A", cwd=top)
        self.run("commit", "-q", "-m", message, cwd=top)

    def commit_nothing(self, top):
        """Makes the index say again that it is HEAD's tree."""
        self.run("commit", "-q", "--allow-empty", "-m", "nothing", cwd=top)

    def says(self, where):
        """Branch and state, in git's words."""
        branch = self.run("rev-parse", "--abbrev-ref", "HEAD", cwd=where, check=False)
        status = self.run("--no-optional-locks", "status", "-uno", "--porcelain", cwd=where)
        return branch, "dirty" if status else "clean"
