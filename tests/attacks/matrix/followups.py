"""What a person does after an attack, and what is to be seen then.

Each is a function of the Column's world (runner.py); what it returns is the exit code of
the launch that the person wanted."""
import os
import pty
import select
import time


def client(run):
    """The next launch of the real client."""
    r = run.c.ccrun(run.entry, "-p", run.prompt, timeout=40)
    run.heard(r.out, r.err)
    return r.rc


def standin(run):
    """The next launch, of a program that only looks whether it is a session."""
    r = run.c.ccrun("--exec", run.tools / "victim", run.entry, "true", timeout=30)
    run.heard(r.out, r.err)
    return r.rc


def shell(run):
    """A new shell, in which ccrun is typed."""
    r = run.c.run(["bash", "-ic", f"shopt -s expand_aliases\nccrun --exec {run.tools}/victim {run.entry} true"],
                  env={"PATH": f"{run.c.bin}:{run.c.env()['PATH']}"}, timeout=30)
    run.heard(r.out, r.err)
    return r.rc


def unlock(run):
    """The vault is opened again: the passphrase is given to whoever serves."""
    r = run.c.with_passphrase("unlock", passphrase=run.passphrase)
    run.heard(r.out, r.err)
    return standin(run)


def typed(run, *words):
    """The passphrase is typed on a terminal."""
    master, slave = pty.openpty()
    proc = run.c.popen([run.c.bin / "ccctl", *(words or ("unlock",))], stdin=slave, stdout=slave, stderr=slave)
    (run.out / "terminal").write_text(os.ttyname(slave))
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
    proc.poll() is None and proc.kill()
    proc.wait()
    os.close(master)
    return proc.returncode


FOLLOWUPS = {f.__name__: f for f in (client, standin, shell, unlock, typed)}
