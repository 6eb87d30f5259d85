"""A virtual machine of qemu's, of a disk of vm_image.py: root acts by the agent on ttyS1,
people log in by PAM on ttyS2 and ttyS3, the kernel speaks on ttyS0, into a file.

    with VirtualMachine(disks, work, load="ready") as m:
        m.root("systemctl", "is-active", "ccbroker")
        with m.terminal() as ann:
            ann.login("ann", PEOPLE["ann"])
            ann.run("ccctl status")             # (exit code, what was printed)

A machine that goes on from a snapshot has its own copy of the disk; one that boots, too.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pexpect
from pexpect import fdpexpect

from client import Result, until

QEMU = "qemu-system-x86_64"
PROMPT = r"<<(\d+)>> "
# A run of several that is stopped has its workers killed.
WITH_US = ["setpriv", "--pdeathsig", "KILL"]
# Emulated, a machine is some ten times slower than this one, and others may be at work here.
SLOW = 180


@cache
def accelerator():
    """kvm where a guest can be run by it, else tcg; CCRUN_VM_ACCEL says otherwise."""
    asked = os.environ.get("CCRUN_VM_ACCEL")
    if asked:
        return asked
    # The device alone says little: without the processor's own means no kernel boots there.
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    able = flags and {"vmx", "svm"} & set(flags[1].split()) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "kvm" if able else "tcg"


class Terminal:
    """A person's serial line."""

    def __init__(self, machine, line):
        self.machine, self.socket = machine, machine.connect(line)
        self.tty = fdpexpect.fdspawn(self.socket, timeout=SLOW, encoding="utf-8", codec_errors="replace")
        self.log = open(machine.work / f"{line}.log", "a", encoding="utf-8")
        self.tty.logfile_read = self.log
        self.name = None

    def close(self):
        self.log.close()
        self.socket.close()

    def login(self, name, password):
        self.tty.send("\r")
        self.tty.expect("login: ")
        self.tty.send(name + "\r")
        self.tty.expect("assword: ")
        self.tty.send(password + "\r")
        self.tty.expect(PROMPT)
        self.name = name

    def logout(self):
        self.tty.sendline("exit")
        self.tty.expect("login: ")
        self.name = None

    def drain(self):
        with suppress(pexpect.TIMEOUT):
            while True:
                self.tty.read_nonblocking(65536, 0.1)
        self.tty.buffer = ""

    def run(self, command, *answers, seconds=SLOW):
        """What a command of the shell ends with, and prints; answers: to its prompts, each
        of which ends with a colon and a blank, or wants yes or no."""
        self.drain()
        self.tty.sendline(command)
        for answer in answers:
            self.tty.expect(r"(: ?|\[y/N\] )$", timeout=seconds)
            time.sleep(0.3)  # the prompt first, then the terminal's mode
            self.tty.sendline(answer)
        self.tty.expect(PROMPT, timeout=seconds)
        return int(self.tty.match.group(1)), self.tty.before.replace("\r", "").strip("\n")

    def ok(self, command, *answers, **kw):
        rc, out = self.run(command, *answers, **kw)
        assert rc == 0, (command, rc, out)
        return out


class VirtualMachine:
    def __init__(self, disk, kernel, work, load=None, tpm=None, goods=None, append="", memory=1536):
        """disk: a qcow2, which is copied.  load: the name of a snapshot in it.  kernel: a directory with
        vmlinuz and initrd.  tpm: the state of one, copied, or None for a machine without."""
        self.work, self.load, self.append, self.memory = Path(work), load, append, memory
        self.kernel, self.goods, self.given_tpm = Path(kernel), goods, tpm
        self.disk = self.work / "disk.qcow2"
        shutil.copyfile(disk, self.disk)
        self.qemu = self.swtpm = self.line = self.agent = self.qmp_file = None
        self.terminals, self.asked = [], 0

    # ---- its life ----

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        argv = [*WITH_US, QEMU, "-machine", "q35", "-accel", "tcg,thread=multi" if accelerator() == "tcg" else "kvm",
                "-cpu", "max", "-smp", "2", "-m", str(self.memory), "-display", "none", "-nic", "none",
                "-kernel", self.kernel / "vmlinuz", "-initrd", self.kernel / "initrd",
                # panic: an emulated second processor meets, rarely, half of what a booting kernel patches
                # in its own code ("Oops: int3"); such a boot begins anew.
                "-append", "root=/dev/vda rw console=ttyS0 quiet panic=5 systemd.show_status=0 " + self.append,
                "-drive", f"file={self.disk},if=virtio,format=qcow2,cache=unsafe",
                "-serial", f"file:{self.work}/console", "-qmp", f"unix:{self.work}/qmp,server=on,wait=off"]
        for line in ("ttyS1", "ttyS2", "ttyS3"):
            argv += ["-serial", f"unix:{self.work}/{line},server=on,wait=off"]
        if self.goods:
            argv += ["-drive", f"file={self.goods},if=virtio,format=raw,readonly=on"]
        if self.given_tpm:
            argv += self.start_tpm()
        if self.load:
            argv += ["-loadvm", self.load]
        with open(self.work / "qemu.log", "wb") as log:
            self.qemu = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.line = self.connect("ttyS1")
        self.agent = self.line.makefile("rwb")
        if self.load:
            self.root("date", "--set", f"@{int(time.time())}")
        else:
            self.wait_for_boot()

    def start_tpm(self):
        state = self.work / "tpm"
        shutil.copytree(self.given_tpm, state)
        self.swtpm = subprocess.Popen([*WITH_US, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl",
                                       f"type=unixio,path={self.work}/swtpm"], stdin=subprocess.DEVNULL)
        until((self.work / "swtpm").exists, 20, "swtpm")
        return ["-chardev", f"socket,id=tpm,path={self.work}/swtpm", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                "-device", "tpm-tis,tpmdev=tpm0"]

    def end(self):
        for terminal in self.terminals:
            terminal.close()
        if self.qemu and self.qemu.poll() is None:
            with suppress(OSError, ValueError, AssertionError):
                self.monitor("quit")
            try:
                self.qemu.wait(20)
            except subprocess.TimeoutExpired:
                self.qemu.kill()
                self.qemu.wait()
        if self.swtpm:
            self.swtpm.terminate()
            self.swtpm.wait()

    def connect(self, name):
        def attempt():
            assert self.qemu.poll() is None, "qemu ended: " + (self.work / "qemu.log").read_text(errors="replace")
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(str(self.work / name))
            except OSError:
                s.close()
                return None
            return s
        return until(attempt, 20, name)

    def console(self):
        return (self.work / "console").read_text(errors="replace")[-2000:]

    def wait_for_boot(self):
        self.line.settimeout(SLOW * 2)
        try:
            while True:
                line = self.agent.readline()
                if line.strip().startswith(b'{"boot"'):
                    return
        except TimeoutError as e:
            raise AssertionError("it does not boot: " + self.console()) from e

    def reboot(self):
        """Down in order, and up; everybody is logged out."""
        self.agent.write(json.dumps({"id": 0, "argv": ["systemctl", "reboot"], "input": "", "seconds": 60}).encode() + b"\n")
        self.agent.flush()
        self.wait_for_boot()

    def qmp(self, command, **arguments):
        if not self.qmp_file:
            self.qmp_file = self.connect("qmp").makefile("rw")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
        self.qmp_file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        while True:
            answer = json.loads(self.qmp_file.readline())
            if "event" not in answer:
                assert "error" not in answer, answer
                return answer["return"]

    def monitor(self, line):
        """A line of qemu's monitor."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def save(self, name):
        """Keep the running machine in its disk, under this name."""
        said = self.monitor(f"savevm {name}")
        assert not said, said

    # ---- what is done in it ----

    def root(self, *argv, check=True, input="", seconds=SLOW):
        self.asked += 1
        ask = {"id": self.asked, "argv": [str(a) for a in argv], "input": input, "seconds": seconds}
        self.line.settimeout(seconds + 60)
        self.agent.write(json.dumps(ask).encode() + b"\n")
        self.agent.flush()
        began = time.monotonic()
        while True:
            line = self.agent.readline()
            with suppress(ValueError):
                answer = json.loads(line)
                if answer.get("id") == self.asked:
                    break
        r = Result(answer["rc"], answer["out"], answer["err"], time.monotonic() - began)
        assert not check or r.rc == 0, (argv, r.rc, r.out[-3000:], r.err[-3000:])
        return r

    def sh(self, script, **kw):
        """A script of root's shell."""
        return self.root("sh", "-c", script, **kw)

    def nobody_there(self, name, command, check=True, **kw):
        """A command of the shell as a user who is not logged in: a service does that."""
        return self.root("systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--property=User={name}",
                         "--property=WorkingDirectory=~", "--property=PAMName=", "sh", "-c", command, check=check, **kw)

    def user(self, name, command, **kw):
        """A command of the shell in a log-in of su's."""
        return self.root("su", "--login", name, "--command", command, **kw)

    def terminal(self, line="ttyS2"):
        t = Terminal(self, line)
        self.terminals.append(t)
        return t
