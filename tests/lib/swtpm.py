"""A software TPM in a world (client.py), on a unix socket below its root.

    with World() as w, Tpm(w) as tpm:
        w.run([program], env=tpm.env)       # CCRUN_TPM2_TCTI names it
        tpm.stop(); tpm.start()             # the machine was restarted
        tpm.reset()                         # another machine's TPM
"""
import os
import shutil
import signal
import socket
import struct
import subprocess

from client import until

NO_SESSIONS, SESSIONS = 0x8001, 0x8002
CC_GET_CAPABILITY, CC_HIERARCHY_CHANGE_AUTH, CC_HIERARCHY_CONTROL = 0x17a, 0x129, 0x121
CAP_HANDLES = 1
OWNER, PASSWORD, PLATFORM = 0x40000001, 0x40000009, 0x4000000c
# First handles of each range: loaded sessions, saved ones, transient objects.
RANGES = {"session": 0x02000000, "saved": 0x03000000, "transient": 0x80000000}


class Tpm:
    def __init__(self, world):
        self.world = world
        self.state = world.root / "tpm"
        self.socket = self.state / "sock"
        self.proc = None

    @property
    def tcti(self):
        return f"swtpm:path={self.socket}"

    @property
    def env(self):
        return {"CCRUN_TPM2_TCTI": self.tcti}

    def start(self):
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.world.own()
        self.proc = self.world.popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}",
             "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl",
             "--flags", "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers, what="swtpm")

    def answers(self):
        assert self.proc.poll() is None, f"swtpm ended with {self.proc.returncode}"
        try:
            self.handles("transient")
        except (FileNotFoundError, ConnectionError):
            return False
        return True

    def stop(self):
        """The state stays."""
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(10)
            self.proc = None
        for path in (self.socket, f"{self.socket}.ctrl"):
            if os.path.exists(path):
                os.unlink(path)

    def reset(self):
        """Another TPM in its place, with another seed."""
        self.stop()
        shutil.rmtree(self.state)
        self.start()

    # ---- its own words, past tpm2-tss ----

    def command(self, tag, code, body):
        """(return code, the answer's body)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.socket))
            s.sendall(struct.pack(">HII", tag, 10 + len(body), code) + body)
            answer = s.recv(4096)
        if len(answer) < 10:
            raise ConnectionError("swtpm hung up")
        return struct.unpack(">I", answer[6:10])[0], answer[10:]

    def handles(self, kind):
        """Handles that are in use."""
        rc, body = self.command(NO_SESSIONS, CC_GET_CAPABILITY, struct.pack(">III", CAP_HANDLES, RANGES[kind], 64))
        assert rc == 0, hex(rc)
        count = struct.unpack(">I", body[5:9])[0]
        return list(struct.unpack(f">{count}I", body[9:9 + 4 * count]))

    def _with_empty_password(self, code, handle, body):
        area = struct.pack(">IHBH", PASSWORD, 0, 0, 0)
        rc, _ = self.command(SESSIONS, code, struct.pack(">II", handle, len(area)) + area + body)
        assert rc == 0, hex(rc)

    def owner_password(self, password):
        self._with_empty_password(CC_HIERARCHY_CHANGE_AUTH, OWNER, struct.pack(">H", len(password)) + password)

    def owner_off(self):
        self._with_empty_password(CC_HIERARCHY_CONTROL, PLATFORM, struct.pack(">IB", OWNER, 0))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
