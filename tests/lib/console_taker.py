#!/usr/bin/python3
"""What a session's program does on a machine with systemd-logind: it takes control of a console's
log-in of the same user (TakeControl), and with it the keyboards (TakeDevice).

    console_taker.py LOG here       of the console that it runs on, which it puts back into its usual
                                    modes; it lives on after the session
    console_taker.py LOG TTY        of another one, once a ccctl asks there

LOG gets a line for what it did, and one for each line that is typed.  It speaks D-Bus itself: a
library would have to be on the machine."""
import array
import fcntl
import os
import socket
import struct
import sys
import time
from pathlib import Path

LOGIN1, SESSION = "org.freedesktop.login1", "org.freedesktop.login1.Session"
FIELDS = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "destination": (6, "s"), "signature": (8, "g")}
KEYS = dict(zip((*range(2, 12), *range(16, 26), *range(30, 39), *range(44, 51), 57, 12, 28),
                "1234567890qwertyuiopasdfghjklzxcvbnm -\n"))
EVENT = struct.Struct("llHHi")
KDSETMODE, KDSKBMODE, VT_SETMODE = 0x4b3a, 0x4b45, 0x5602


class Bus:
    """The system bus, for calls whose answers nobody reads but for their kind and descriptors."""

    def __init__(self):
        self.socket, self.serial = socket.socket(socket.AF_UNIX), 0
        self.socket.connect("/run/dbus/system_bus_socket")
        for line in (b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode(), b"NEGOTIATE_UNIX_FD"):
            self.socket.sendall(line + b"\r\n")
            self.socket.recv(200)
        self.socket.sendall(b"BEGIN\r\n")
        self.call("/org/freedesktop/DBus", "Hello", destination="org.freedesktop.DBus", interface="org.freedesktop.DBus")

    def call(self, path, member, signature="", body=b"", destination=LOGIN1, interface=SESSION):
        """Whether it was done, and the descriptors that came."""
        self.serial += 1
        fields = b""
        for name, (code, kind) in FIELDS.items():
            value = locals()[name].encode()
            if not value:
                continue
            fields += b"\0" * (-len(fields) % 8) + bytes([code, 1]) + kind.encode() + b"\0"
            fields += bytes([len(value)]) if kind == "g" else b"\0" * (-len(fields) % 4) + struct.pack("<I", len(value))
            fields += value + b"\0"
        head = struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), self.serial, len(fields)) + fields
        self.socket.sendall(head + b"\0" * (-len(head) % 8) + body)
        return self.answer()

    def answer(self):
        """Of the last call; signals are passed over."""
        data, descriptors = b"", []
        while True:
            while len(data) < 16 or len(data) < self.length(data):
                more, extra, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(64))
                for _, _, some in extra:
                    a = array.array("i")
                    a.frombytes(some[:len(some) // 4 * 4])
                    descriptors += a
                data += more
            kind, (flags,) = data[1], struct.unpack_from("<I", data, 12)
            if kind in (2, 3):  # an answer, an error
                return kind == 2, descriptors
            data = data[self.length(data):]

    @staticmethod
    def length(data):
        body, _, fields = struct.unpack_from("<III", data, 4)
        return 16 + fields + -fields % 8 + body


def log_in_of(tty):
    """The log-in of a console: its path on the bus."""
    for file in Path("/run/systemd/sessions").iterdir():
        if "." not in file.name and f"TTY={tty}\n" in file.read_text():
            name = file.name
            return f"/org/freedesktop/login1/session/{f'_{ord(name[0]):02x}' if name[0].isdigit() else name[0]}{name[1:]}"
    raise SystemExit(f"nobody is logged in on {tty}")


def somebody_asks_on(tty):
    """A ccctl with the thread that reads the terminal."""
    number = 4 << 8 | int(tty[3:])
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = file.read_text()
        except OSError:
            continue
        words = stat.rpartition(")")[2].split()
        if "(ccctl)" in stat and int(words[4]) == number and int(words[17]) > 1:
            return True
    return False


def main():
    log, where = open(sys.argv[1], "a", buffering=1), sys.argv[2]
    tty = os.ttyname(0)[5:] if where == "here" else where
    told, tells = os.pipe()
    if os.fork():
        os.close(tells)
        if where == "here" and os.read(told, 1):
            console = os.open("/dev/tty", os.O_RDWR)
            fcntl.ioctl(console, KDSKBMODE, 3)
            fcntl.ioctl(console, KDSETMODE, 0)
            fcntl.ioctl(console, VT_SETMODE, bytes(8))
        os._exit(0)
    os.setsid()
    for fd in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    while where != "here" and not somebody_asks_on(tty):
        time.sleep(0.05)
    bus, path, keyboards = Bus(), log_in_of(tty), []
    print("control", bus.call(path, "TakeControl", "b", struct.pack("<I", 0))[0], file=log)
    for device in sorted(Path("/dev/input").glob("event*")):
        _, got = bus.call(path, "TakeDevice", "uu", struct.pack("<II", 13, os.minor(device.stat().st_rdev)))
        keyboards += got
    print("keyboards", len(keyboards), file=log)
    os.write(tells, b"x")
    line = ""
    end = time.monotonic() + 120
    for fd in keyboards:
        os.set_blocking(fd, False)
    while time.monotonic() < end:
        time.sleep(0.01)
        for fd in keyboards:
            try:
                data = os.read(fd, EVENT.size * 64)
            except BlockingIOError:
                continue
            for _, _, kind, code, value in EVENT.iter_unpack(data):
                if kind == 1 and value == 1:
                    line += KEYS.get(code, "?")
        if where != "here" and not somebody_asks_on(tty):
            break
        if "\n" in line:
            print("typed", repr(line), file=log)
            line = ""
    print("typed", repr(line), file=log)


main()
