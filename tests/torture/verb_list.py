"""The verbs that write into a person's files, with what must be true of these afterwards."""
import json
import os
import shutil

import vault_reader
from login_units import Login
from verbs import Verb


def text_of(path):
    return path.read_text() if path.exists() else None


# ---- configuration -----------------------------------------------------

def conf(h):
    return h.config / "ccrun/ccrun.conf"


def begin_default(h):
    h.write(conf(h), "# mine\n[broker]\nidle = 10m\n")
    conf(h).parent.chmod(0o700)


def default_right(h):
    return text_of(conf(h)).startswith("# mine\n[broker]\nidle = 10m\n")


def begin_without(h):
    """A home in which ccrun has no file of configuration, and no directory of it."""
    shutil.rmtree(h.config / "ccrun", ignore_errors=True)
    shutil.rmtree(h.home / ".local/bin", ignore_errors=True)


def conf_says(h, word):
    return word in (text_of(conf(h)) or "")


EDITED = "[provider]\ntitle = Mine\n"


def provider_of(h):
    return h.config / "ccrun/providers/zai.conf"


def begin_edit(h):
    begin_without(h)
    h.write(provider_of(h), EDITED)
    for d in (provider_of(h).parent, conf(h).parent):
        d.chmod(0o700)
    h.program("editor", '#!/bin/sh\nprintf "title = Mine\\ndocs = more\\n" | sed "1i [provider]" > "$1"\n')


def edit(h):
    return h.ccctl("edit", "zai", env={"EDITOR": f"{h.home}/programs/editor"})


def names_copies(h, r):
    """What an edit that was broken off had written is lost to nobody."""
    return all(str(p) in r.err for p in provider_of(h).parent.glob("zai.conf.*.edit"))


def edited(h):
    return text_of(provider_of(h)) == EDITED + "docs = more\n"


def link_of(h):
    return h.home / ".local/bin/dem"


def link(h):
    return h.ccctl("link", "dem", "zai")


def begin_link_again(h):
    """A link of another installation's."""
    begin_without(h)
    other = h.home / "ccrun-elsewhere"
    if not other.is_symlink():
        other.symlink_to(h.bin / "ccrun")
    assert link(h).rc == 0
    link_of(h).unlink()
    link_of(h).symlink_to(other)


def linked(h):
    return conf_says(h, "dem = zai") and link_of(h).is_symlink() and os.readlink(link_of(h)) == str(h.bin / "ccrun") and \
        [p.name for p in link_of(h).parent.iterdir()] == ["dem"]


def begin_unlink(h):
    begin_without(h)
    assert link(h).rc == 0


def unlinked(h):
    return not link_of(h).is_symlink() and not conf_says(h, "dem = zai")


def link_right(h):
    """A command that nothing says anything about runs nobody's key; here it has the name of no
    provider."""
    return conf_says(h, "dem = zai") or not link_of(h).is_symlink()


def begin_pin(h):
    begin_without(h)
    (h.data / "ccrun/projects").unlink(missing_ok=True)
    h.write(h.cwd / ".ccrun", "provider = zai\n", 0o644)


def begin_deny(h):
    begin_pin(h)
    assert h.ccctl("allow").rc == 0


def allowed(h):
    return "provider = zai" in (text_of(h.data / "ccrun/projects") or "")


# ---- Claude Code's settings --------------------------------------------

def settings_of(h):
    return h.home / ".claude/settings.json"


def begin_statusline(h):
    for p in settings_of(h).parent.glob("settings.json.ccrun-backup*"):
        p.unlink()
    (h.state / "ccrun/statusline.json").unlink(missing_ok=True)
    h.write(settings_of(h), '{"mine": [1, 2]}')


def statusline(h, *words):
    return h.ccctl("statusline", *words, "--yes")


def begin_statusline_remove(h):
    begin_statusline(h)
    assert statusline(h, "install").rc == 0


def settings_right(h):
    return json.loads(text_of(settings_of(h)))["mine"] == [1, 2]


def statusline_removed(h):
    return "statusLine" not in json.loads(text_of(settings_of(h))) and \
        not list(settings_of(h).parent.glob("settings.json.ccrun-backup*"))


# ---- log-in ------------------------------------------------------------

class Manager(Login):
    """ccctl login beside a systemd of one's own, or without one."""

    def __init__(self, h, manager):
        shutil.rmtree(h.root / "stand-in", ignore_errors=True)
        shutil.rmtree(h.runtime / "systemd", ignore_errors=True)
        super().__init__(h, manager)
        for d in ("systemd", "autostart"):
            shutil.rmtree(h.config / d, ignore_errors=True)


def begin_login(manager, enabled=False):
    def begin(h):
        h.ccctl("lock")
        h.end()  # a broker that systemd did not start
        h.login_units = Manager(h, manager)
        h.login_units.ok("enable")
        h.whole = {p.name: p.read_text() for p in unit_files(h)}
        if not enabled:
            h.login_units.ok("disable")
    return begin


def unit_files(h):
    return [*h.login_units.dir.glob("cc*"), *h.config.glob("autostart/cc*")]


def units_whole(h):
    """Each that is there is all of it."""
    return all(p.read_text() == h.whole[p.name] for p in unit_files(h))


def units_there(n):
    return lambda h: len(unit_files(h)) == n


# ---- files with a key, encrypted ---------------------------------------

def slots(h):
    return {s["id"]: s["kind"] for s in json.loads(h.ccctl("slot", "list", "--json").out)}


def only_first_slot(h, *files):
    for n in slots(h):
        if n != 1:
            assert h.ccctl("slot", "rm", "-y", str(n)).rc == 0
    for f in files:
        f.unlink(missing_ok=True)


def begin_backup(h):
    (h.home / "backup").unlink(missing_ok=True)


def backup_right(h):
    path = h.home / "backup"
    return not path.exists() or vault_reader.inspect(path.read_bytes())


def backup(h):
    return h.with_texts(("backup", str(h.home / "backup")), {"--passphrase-fd": h.passphrase,
                                                              "--new-passphrase-fd": "another one altogether"})


def begin_backup_over(h):
    begin_backup(h)
    assert backup(h).rc == 0


def backup_there(h):
    return (h.home / "backup").exists() and backup_right(h)


def pair(h):
    return [text_of(h.data / "ccrun" / name) for name in ("host.pub", "host.key")]


def begin_host(h):
    only_first_slot(h, *(h.data / "ccrun" / name for name in ("host.pub", "host.key", "keyfile")))


def host_right(h):
    """No secret key that is a part of one, nor one whose public key is not there."""
    public, secret = pair(h)
    shown = h.ccctl("host", "show")
    return secret is None or (shown.rc == 0 and shown.out == public)


def credential(h):
    return h.home / "credential"


def begin_credential(h):
    only_first_slot(h, credential(h))


def credential_of(h, n):
    """Is its text all there, and that slot's?"""
    words = (text_of(credential(h)) or "").split()
    return len(words) == 4 and words[0] == "ccrun-key-1" and words[2] == str(n) and len(words[3]) == 64


def credential_right(h):
    """No slot without its key, which is in no other place."""
    return all(credential_of(h, n) for n, kind in slots(h).items() if kind == "credential") and \
        (not credential(h).exists() or credential_of(h, (text_of(credential(h)) or "").split()[2]))


def begin_keyfile(h):
    begin_host(h)
    assert h.ccctl("host", "init").rc == 0


def keyfile_right(h):
    """A slot without its keyfile opens nothing; a keyfile without a slot is nothing."""
    if "keyfile" not in slots(h).values():
        return True
    h.ccctl("lock")
    return h.ccctl("unlock", "--keyfile").rc == 0


def keyfile_there(h):
    return "keyfile" in slots(h).values()


def begin_rekey(h):
    shutil.rmtree(h.home / "new", ignore_errors=True)
    (h.home / "new").mkdir(mode=0o700)
    begin_credential(h)
    assert h.ccctl("slot", "add", "credential", "--label", "credential", "--out", credential(h)).rc == 0
    h.first_rekey = len([e for e in h.record() if e["event"] == "rekey"])


def rekeyed(h):
    return len([e for e in h.record() if e["event"] == "rekey"]) > h.first_rekey


def rekey_right(h):
    """A vault with a new key, and the file with that key of the slot."""
    new = list((h.home / "new").glob("*.credential"))
    return not rekeyed(h) or (len(new) == 1 and len(new[0].read_text().split()[3]) == 64)


# ---- import ------------------------------------------------------------

def begin_import(h):
    for entry in ("openrouter", "example"):
        h.ccctl("rm", "-y", entry)
    shutil.rmtree(h.config / "ccrun", ignore_errors=True)
    shutil.rmtree(h.state / "ccrun/import", ignore_errors=True)
    h.write(".bashrc", f"export EDITOR=vim\nexport OPENROUTER_API_KEY={h.key('or')}\n")
    h.settings({"env": {"ANTHROPIC_BASE_URL": "https://x.example.org", "ANTHROPIC_AUTH_TOKEN": h.key("x"), "A": "1"}})


def key_is_somewhere(h, name, entry, path, rest):
    """In the file as it was, or in the vault and no longer there."""
    text = text_of(h.home / path)
    return rest in text and (h.made[name] in text or h.get(entry) == h.made[name])


def import_right(h):
    originals = [h.home / ".bashrc", settings_of(h)]
    json.loads(text_of(settings_of(h)))
    made = h.config / "ccrun/providers/example.conf"
    return key_is_somewhere(h, "or", "openrouter", ".bashrc", "EDITOR=vim") and \
        key_is_somewhere(h, "x", "example", ".claude/settings.json", '"A"') and \
        (not made.exists() or "x.example.org" in made.read_text()) and not h.leaks(skip=originals)


def import_done(h):
    return not h.leaks() and h.get("openrouter") == h.made["or"] and h.get("example") == h.made["x"] and \
        (h.config / "ccrun/providers/example.conf").exists()


VERBS = [
    Verb("import --scrub", lambda h: h.ccctl("import", "--scrub", "--yes"), import_right, import_done, begin_import,
         "ccrun-import", opens=True),
    Verb("default", lambda h: h.ccctl("default", "zai"), default_right, lambda h: conf_says(h, "zai"), begin_default),
    Verb("default, the first", lambda h: h.ccctl("default", "zai"), lambda h: not conf(h).exists() or conf_says(h, "zai"),
         lambda h: conf_says(h, "zai"), begin_without),
    Verb("edit", edit, lambda h: text_of(provider_of(h)) == EDITED or edited(h), edited, begin_edit, says=names_copies),
    Verb("link", link, link_right, linked, begin_without),
    Verb("link, over another", link, link_right, linked, begin_link_again),
    Verb("unlink", lambda h: h.ccctl("unlink", "dem"), link_right, unlinked, begin_unlink, again="there is no link"),
    Verb("allow", lambda h: h.ccctl("allow"), lambda h: True, allowed, begin_pin),
    Verb("deny", lambda h: h.ccctl("deny"), lambda h: True, lambda h: not allowed(h), begin_deny, again="was not allowed"),
    Verb("statusline install", lambda h: statusline(h, "install"), settings_right,
         lambda h: "statusLine" in json.loads(text_of(settings_of(h))), begin_statusline),
    Verb("statusline remove", lambda h: statusline(h, "remove"), settings_right, statusline_removed,
         begin_statusline_remove),
    Verb("login enable", lambda h: h.login_units("enable"), units_whole, units_there(4), begin_login(True)),
    Verb("login disable", lambda h: h.login_units("disable"), units_whole, units_there(0), begin_login(True, True)),
    Verb("login enable, without systemd", lambda h: h.login_units("enable"), units_whole, units_there(1),
         begin_login(False)),
    Verb("login disable, without systemd", lambda h: h.login_units("disable"), units_whole, units_there(0),
         begin_login(False, True)),
    Verb("host init", lambda h: h.ccctl("host", "init"), host_right, lambda h: pair(h)[1] and host_right(h), begin_host,
         again="has a key pair already"),
    Verb("slot add keyfile", lambda h: h.ccctl("slot", "add", "keyfile"), keyfile_right, keyfile_there, begin_keyfile,
         opens=True),
    Verb("slot add credential", lambda h: h.ccctl("slot", "add", "credential", "--out", credential(h)), credential_right,
         lambda h: "credential" in slots(h).values() and credential_right(h), begin_credential,
         again="name a file that is not there yet", opens=True),
    Verb("rekey --out", lambda h: h.with_passphrase("rekey", "--out", h.home / "new"), rekey_right, rekeyed, begin_rekey,
         again="File exists", opens=True),
    Verb("backup", backup, backup_right, backup_there, begin_backup, opens=True),
    Verb("backup, over another", backup, backup_there, backup_there, begin_backup_over, opens=True),
]
