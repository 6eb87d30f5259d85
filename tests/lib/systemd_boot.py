"""systemd as the first process of pid, mount and cgroup namespaces of its own: what the
machines of booted.py and debian_machine.py have in common."""
import os
import signal
import subprocess
from pathlib import Path

from client import until


def hierarchies():
    """Where a cgroup can be made for the whole machine: the directories of this
    process in the hierarchies that systemd uses."""
    mounted = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options):
            mounted["" if kind == "cgroup2" else "name=systemd"] = words.split()[4]
    own = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    return [Path(where + own[name].rstrip("/")) for name, where in mounted.items() if name in own]


class SystemdBoot:
    """What is_up() and said() are for is the machine's own."""
    outer, first, groups = None, 0, ()

    def start_systemd(self, name, script, values, seconds):
        """Run a shell script, with these variables set and `hybrid`, that becomes systemd;
        within seconds it is up.  PermissionError where that cannot be."""
        where, self.groups = hierarchies(), []
        for directory in where:
            group = directory / f"{name}-{os.getpid()}"
            group.mkdir()
            self.groups.append(group)
        env = {"PATH": os.environ["PATH"], "hybrid": "1" if len(where) > 1 else "", **{k: str(v) for k, v in values.items()}}

        def join():
            for group in self.groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        self.outer = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "sh", "-c", script], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=join)
        try:
            until(lambda: self.outer.poll() is not None or self.find_first(), 20, "systemd's process")
            until(lambda: self.outer.poll() is not None or self.is_up(), seconds, "systemd")
        except TimeoutError as e:
            raise AssertionError(f"systemd does not come up: {e}; {self.said()}") from e
        if self.outer.poll() is not None:
            raise PermissionError("systemd cannot be booted here: " + self.outer.stderr.read().decode())

    def find_first(self):
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
            self.first = int(children[0])
        return self.first

    def stop_systemd(self):
        if self.first:
            os.kill(self.first, signal.SIGKILL)
        if self.outer:
            if not self.first:
                self.outer.kill()
            self.outer.wait()
            self.outer.stderr.close()
        for group in self.groups:
            for path in sorted(group.rglob("*/"), reverse=True):
                path.rmdir()
            group.rmdir()
