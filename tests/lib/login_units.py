"""A stand-in for systemctl that writes down how it is called, and ccctl login with it."""
import json
import socket

from ccrun import CCCTL

STAND_IN = """#!/bin/sh
# systemctl, as far as ccctl goes: remembers whether the units are enabled.
cd "$(dirname "$0")"
echo "$*" >> calls
for word; do echo "$word"; done > last
case "$2" in
show)
	shift 4
	for unit; do
		e=disabled a=inactive
		[ -e on ] && e=enabled a=active
		[ $unit = ccbroker.service ] && e=static
		[ -e failed-$unit ] && a=failed
		printf 'ActiveState=%s\\nUnitFileState=%s\\n\\n' $a $e
	done ;;
enable) [ -e hang ] && sleep 300 & [ -e hang ] && wait; [ -e fail ] && { echo no such luck >&2; exit 4; }; touch on ;;
disable) [ -e fail ] && exit 4; rm -f on ;;
esac
exit 0
"""


class Login:
    """A world whose systemctl is the stand-in; manager: its socket is there."""

    def __init__(self, c, manager=True):
        self.c = c
        self.bin = c.root / "stand-in"
        self.bin.mkdir()
        c.write(self.bin / "systemctl", STAND_IN, 0o755)
        self.dir = c.config / "systemd/user"
        self.entry = c.config / "autostart/ccrun-unlock.desktop"
        self.socket = None
        if manager:
            (c.runtime / "systemd").mkdir(mode=0o700)
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(str(c.runtime / "systemd/private"))
            self.socket.listen()
        c.own()

    def __call__(self, *words, program=(CCCTL,), **kw):
        return self.c.run([*program, "login", *words],
                          env={"PATH": f"{self.bin}:/usr/bin:/bin"}, **kw)

    def ok(self, *words, **kw):
        r = self(*words, **kw)
        assert r.rc == 0, r
        return r

    def calls(self):
        path = self.bin / "calls"
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text.splitlines()

    def status(self):
        state = json.loads(self.ok("status", "--json").out)
        self.calls()
        return state

    def files(self):
        return sorted(str(p.relative_to(self.c.config)) for p in self.c.config.rglob("*")
                      if not p.is_dir() and "ccrun/" not in str(p.relative_to(self.c.config)))
