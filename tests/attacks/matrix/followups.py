"""What a person does after an attack, and what is to be seen then.

Each is a function of a Run (run.py); what it returns is the exit code of what the person
wanted, which is more than a launch."""
import fcntl
import os
import shutil
import time

from built import BUILD
from client import until
from endpoint import Text


ROUNDS = 6  # launches for who wants to win a race


def client(run):
    """The next launch of the real client."""
    r = run.launch(run.entry, "-p", run.prompt, timeout=40)
    run.heard(r.out, r.err)
    return r.rc


def standin(run):
    """The next launch, of a program that only looks whether it is a session."""
    r = run.launch("--exec", run.tools / "victim", run.entry, "true", timeout=30)
    run.heard(r.out, r.err)
    return r.rc


def outer_shell(run):
    """The next launch, from the shell that was there before."""
    if run.column.plain:
        return 0
    code = run.out / "shell.code"
    code.unlink(missing_ok=True)
    with open(run.out / "shell.fifo", "w") as f:
        f.write(f"{run.c.bin}/ccrun --exec {run.tools}/victim {run.entry} true; echo $? > {code}\n")
    until(lambda: code.exists() and code.read_text(), 20, "the shell's answer")
    return int(code.read_text())


def in_shell(run, words, how="-ic"):
    argv, env = run.typed_command(words)
    env = {**env, "PATH": f"{run.c.bin}:{run.c.env()['PATH']}"}
    r = run.c.run(["bash", how, "shopt -s expand_aliases\n" + argv], env=env, timeout=40)
    run.heard(r.out, r.err)
    return r.rc


def shell(run):
    """A new shell, in which ccrun is typed."""
    return in_shell(run, ["--exec", run.tools / "victim", run.entry, "true"])


def login(run):
    """A new log-in shell."""
    return in_shell(run, ["--exec", run.tools / "victim", run.entry, "true"], "-lic")


def shell_client(run):
    """The same with the real client."""
    return in_shell(run, [run.entry, "-p", run.prompt])


def no_words(run):
    """ccrun without a provider's name: what the project pins."""
    r = run.launch("-p", run.prompt, timeout=40)
    run.heard(r.out, r.err)
    return r.rc


def unlock(run):
    """The vault is opened again: the passphrase is given to whoever serves."""
    if run.column.plain:
        return standin(run)
    r = run.c.with_passphrase("unlock", passphrase=run.passphrase)
    run.heard(r.out, r.err)
    return standin(run)


def suspended(run):
    """The person goes on, and closes the lid: the vault is locked then."""
    if run.column.plain:
        return 0
    standin(run)
    until(run.services.watched, 10, "the watcher")
    run.services.logind.prepare_for_sleep(True)
    try:
        until(lambda: run.column.state(run.c) == "locked", 10, "the lock")
    finally:
        run.services.logind.prepare_for_sleep(False)
    return 0


def without_vault(run):
    """The next launch; then the person puts the file back, and starts anew."""
    if run.column.plain:
        return 0
    code = standin(run)
    run.c.own()
    before = run.c.data / "ccrun/vault.before"
    if before.exists():
        before.replace(before.with_name("vault"))
        run.column.restart_broker(run)  # that of before does not overwrite another file than its own
    return code


def put_back(run):
    """Now what lies beside the vault becomes what it was; then the broker is started anew."""
    go = run.out / "go.older"
    go.touch()
    run.c.own()
    until(lambda: not go.exists(), 10, "the older files")
    run.column.restart_broker(run)


def rolled_back(run):
    """The person stored another key, and finds the vault as it was before."""
    if run.column.plain:
        return 0
    c = run.c
    c.provider("later", title="Later", base_url=run.ep.url, auth="bearer", policy=run.column.policy())
    c.add("later", run.token)
    put_back(run)
    for words in (["status"], ["keys"], ["log"]):
        r = c.ccctl(*words)
        run.said.append(r.out + r.err)
    return 0 if "later" in c.ccctl("keys").out else 1


def tried_again(run, technique):
    """The same is tried in another session."""
    r = run.launch("--exec", run.tools / "victim", run.entry, f"{run.agent('alone')} {technique}", timeout=60)
    run.heard(r.out, r.err)


def spent_again(run):
    put_back(run)
    tried_again(run, "limit-rolled-back")
    return 0


def priced_again(run):
    tried_again(run, "provider-prices")
    return 0


def filled(run):
    """The person goes on, and makes room."""
    if run.column.plain:
        return 0
    code = 0
    for _ in range(16):  # the log's last page has room for some lines
        code = code or standin(run)
    for path in (run.c.home / ".local").rglob("fill"):
        path.unlink()
    run.column.heal(run)
    if standin(run) != 0:
        raise RuntimeError("with room again no session comes up")
    return code


def heap_dumped(run):
    """/heapdump is typed in full screen."""
    argv, env = run.column.command(run, [run.entry])
    with run.c.screen(argv, env=env) as s:
        s.ask("/heapdump")
        s.pump(4)
        run.heard(s.text())
        s.exit()
    for n, path in enumerate([*run.c.root.rglob("*.heapsnapshot"), *run.c.root.rglob("*.heapprofile")]):
        shutil.copy(path, run.out / f"won.heapdump.{n}")
        path.unlink()
    return 0


def shell_unlock(run):
    """The passphrase is piped into the ccctl that a new shell finds."""
    if run.column.plain:
        return 0
    run.c.ccctl("lock")
    r = run.c.run(["bash", "-ic", "ccctl unlock --passphrase-fd 0"], input=run.passphrase + "\n",
                  env={"PATH": f"{run.c.bin}:{run.c.env()['PATH']}"})
    return r.rc


def typed(run):
    """The vault was locked; the passphrase is typed on a terminal, unless somebody there is
    named.  Who reads it has what it wants before the question comes."""
    if run.column.plain:
        return 0
    run.c.ccctl("lock")
    says = run.out / "terminal"
    with run.c.screen(["sh", "-c", f"until [ -e {says}.asked ]; do sleep 0.05; done; exec {run.c.bin}/ccctl unlock"]) as s:
        # TIOCGPTN
        number = int.from_bytes(fcntl.ioctl(s.child.child_fd, 0x80045430, b"\0" * 4), "little")
        # As a terminal program has it for the user.
        os.chown(f"/dev/pts/{number}", run.c.user.pw_uid, -1)
        says.write_text(f"/dev/pts/{number}")
        run.c.own()
        until(says.with_suffix(".ready").exists, 10, "the reader")
        says.with_suffix(".asked").touch()
        # Who sees it refused types it again.
        for n in range(1, 4):
            try:
                until(lambda n=n: not s.pump(0.05) or "same?" in s.text() or s.text().count("assphrase for") >= n, 10,
                      "the question")
            except TimeoutError:
                break
            if "same?" in s.text():
                break
            time.sleep(0.5)
            for character in run.passphrase + "\r":
                if s.pump(0.03):
                    s.send(character)
        s.pump(1.0)
        s.close()
        run.heard(bytes(s.raw))
    for path in run.out.glob("terminal*"):
        path.unlink()
    return 0


def over(run):
    """The session is over, and a while passes in which a daemon may ask."""
    (run.out / "over").touch()
    until(lambda: not daemons(run), 20, "the daemons' end")
    (run.out / "over").unlink()
    return 0


def daemons(run):
    here = f"{run.out}/over"
    for pid in run.c.leftovers():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if here.encode() in f.read():
                    return True
        except OSError:
            continue
    return False


def raced(run):
    """Now the racer says what it can read, while the session lives."""
    (run.out / "go.race").touch()
    until(lambda: (run.out / "raced").exists(), 15, "the racer's report")


def race(run, first=None):
    if first:
        first()
    turn = []

    def script(_):
        if not turn:
            turn.append(raced(run))
        return Text("raced")
    run.ep.script = script
    try:
        r = run.launch(run.entry, "-p", run.prompt, timeout=60)
    finally:
        run.ep.script = []
    run.heard(r.out, r.err)
    for name in ("go.race", "raced"):
        (run.out / name).unlink(missing_ok=True)
    return r.rc


def race_unlock(run):
    """Broker and vault are started and opened anew, and then a launch."""
    def anew():
        if not run.column.plain:
            run.column.restart_broker(run)
    return race(run, anew)


def race_standin(run):
    """Launches of the stand-in, and one that waits for the racer."""
    for _ in range(ROUNDS):
        proc = run.started("--exec", run.tools / "victim", run.entry, "sleep 30")
        time.sleep(0.1)
    (run.out / "go.race").touch()
    until(lambda: (run.out / "raced").exists(), 20, "the racer's report")
    code = 0 if proc.poll() is None else proc.returncode
    for name in ("go.race", "raced"):
        (run.out / name).unlink(missing_ok=True)
    return code


def own_unlock(run):
    """The passphrase is piped into ccctl."""
    run.c.ccctl("lock")
    r = run.c.run([run.c.bin / "ccctl", "unlock", "--passphrase-fd", "0"], input=run.passphrase + "\n")
    run.c.bin = run.bin
    return r.rc


FOLLOWUPS = {f.__name__: f for f in (client, standin, outer_shell, shell, login, shell_client, no_words, unlock,
                                     suspended, without_vault, rolled_back, spent_again, priced_again, filled, heap_dumped,
                                     shell_unlock, typed, over, race, race_unlock, race_standin, own_unlock)}


# ---- choices of the person's ----

def keyfile(run):
    """A slot that opens without anybody."""
    if run.column.broker == "system":
        return False
    r = run.c.ccctl("host", "init")
    assert r.rc == 0, r
    r = run.c.with_passphrase("slot", "add", "keyfile", passphrase=run.passphrase)
    assert r.rc == 0, r
    return True


def own_install(run):
    """ccrun in the user's own directory."""
    where = run.c.home / "inst"
    for part in ("bin", "lib", "libexec"):
        shutil.copytree(BUILD / part, where / part, symlinks=True)
    for path in where.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    run.c.own()
    run.c.bin = where / "bin"
    return True


GIVEN = {f.__name__: f for f in (keyfile, own_install)}
