"""What a choice of the person's gives away: attacks that a keyfile or an installation of
the user's own lets through, by what they are."""
from pathlib import Path

import keyfile_reader
import vault_reader
from kit import NotHere


def keyfile(s):
    """The vault's file, opened with what the keyfile was sealed to."""
    if s.plain:
        raise NotHere("no vault there")
    place = s.data / "ccrun"
    seed = keyfile_reader.read_host_secret((place / "host.key").read_text())
    secret = keyfile_reader.host_secret(seed, Path("/etc/machine-id").read_text().strip())
    file = (place / "keyfile").read_bytes()
    slot = keyfile_reader.inspect_keyfile(file)["slot"]
    opened = vault_reader.open_vault((place / "vault").read_bytes(), keyfile_reader.open_keyfile(file, secret), slot)
    for entry in opened["entries"]:
        print(entry)


def own_program(s):
    """ccctl, where the user installed it: what is typed into it is heard."""
    place = Path(s.ccctl)
    true = place.with_name("ccctl.true")
    place.rename(true)
    place.write_text(f"#!/bin/sh\ntee {s.won} | {true} \"$@\"\n")
    place.chmod(0o755)
