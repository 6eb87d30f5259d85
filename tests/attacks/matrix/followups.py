"""What a person does after an attack, and what is to be seen then.

Each is a function of a Run (run.py); what it returns is the exit code of what the person
wanted, which is more than a launch."""
import os
import pty
import select
import time

from client import until
from endpoint import Text


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


def in_shell(run, words):
    argv, env = run.typed_command(words)
    env = {**env, "PATH": f"{run.c.bin}:{run.c.env()['PATH']}"}
    r = run.c.run(["bash", "-ic", "shopt -s expand_aliases\n" + argv], env=env, timeout=40)
    run.heard(r.out, r.err)
    return r.rc


def shell(run):
    """A new shell, in which ccrun is typed."""
    return in_shell(run, ["--exec", run.tools / "victim", run.entry, "true"])


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


def shell_unlock(run):
    """The passphrase is piped into the ccctl that a new shell finds."""
    if run.column.plain:
        return 0
    run.c.ccctl("lock")
    r = run.c.run(["bash", "-ic", "ccctl unlock --passphrase-fd 0"], input=run.passphrase + "\n",
                  env={"PATH": f"{run.c.bin}:{run.c.env()['PATH']}"})
    return r.rc


def typed(run):
    """The vault was locked; the passphrase is typed on a terminal."""
    if run.column.plain:
        return 0
    run.c.ccctl("lock")
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    os.chown(name, run.c.user.pw_uid, -1)
    proc = run.c.popen([run.c.bin / "ccctl", "unlock"], stdin=slave, stdout=slave, stderr=slave)
    (run.out / "terminal").write_text(name)
    os.close(slave)
    said, sent, deadline = b"", False, time.monotonic() + 15
    while time.monotonic() < deadline and proc.poll() is None:
        if select.select([master], [], [], 0.1)[0]:
            try:
                said += os.read(master, 4096)
            except OSError:
                break
        if b"assphrase" in said and not sent:
            time.sleep(0.3)
            for character in run.passphrase:
                os.write(master, character.encode())
                time.sleep(0.03)
            os.write(master, b"\n")
            sent = True
    if proc.poll() is None:
        proc.kill()
    proc.wait()
    os.close(master)
    (run.out / "terminal").unlink()
    run.heard(said)
    return proc.returncode


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
    """A launch of the stand-in, which waits for the racer."""
    proc = run.started("--exec", run.tools / "victim", run.entry,
                       f"touch {run.out}/go.race; while [ ! -e {run.out}/raced ]; do sleep 0.05; done")
    code = proc.wait(30)
    for name in ("go.race", "raced"):
        (run.out / name).unlink(missing_ok=True)
    return code


FOLLOWUPS = {f.__name__: f for f in (client, standin, shell, shell_client, no_words, unlock, shell_unlock, typed, over, race,
                                     race_unlock, race_standin)}


# ---- before an attack ----

def limited(run):
    """The key has a limit."""
    if not run.column.plain:
        r = run.c.ccctl("limit", run.entry, "40/day")
        assert r.rc == 0, r


BEFORE = {"limited": limited}
