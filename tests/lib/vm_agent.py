#!/usr/bin/python3
"""Inside a virtual machine (vm.py): root's hand on a serial line.  A request is a line of
JSON (id, argv, input, seconds), and so is its answer (id, rc, out, err).  The first line
after a boot has no id, but that boot's.

A service, no log-in: what it starts is of no session unless PAM makes one.
"""
import json
import os
import subprocess
import sys
import tempfile
import tty
from pathlib import Path


def answer(ask):
    # Files, not pipes: a daemon that keeps them open holds nobody up.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
        given.write(ask["input"].encode())
        given.seek(0)
        try:
            rc = subprocess.run(ask["argv"], stdin=given, stdout=out, stderr=err, timeout=ask["seconds"], check=False,
                                start_new_session=True).returncode
        except subprocess.TimeoutExpired:
            rc = -1
            err.write(f"not done after {ask['seconds']} s".encode())
        except OSError as e:
            rc = 127
            err.write(str(e).encode())
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read().decode("utf-8", "replace"))
    return {"id": ask["id"], "rc": rc, "out": texts[0], "err": texts[1]}


def main():
    fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    say = lambda value: os.write(fd, json.dumps(value).encode() + b"\n")
    say({"boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()})
    with os.fdopen(os.dup(fd), "rb") as line:
        for text in line:
            try:
                ask = json.loads(text)
            except ValueError:
                continue  # what a test that broke off left on the line
            say(answer(ask))


main()
