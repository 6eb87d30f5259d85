"""The agent: tries the techniques in one place of a session.

    agent.py VANTAGE SCENE        all of a running session's (hook, mcp, status, bash, daemon)
    agent.py alone SCENE ID       one that needs a session of its own

What each attack got is in OUT/loot/ID@VANTAGE, how it ended in OUT/done/ID@VANTAGE.  The places
take turns, because one attack can spoil another's."""
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "lib")]

from kit import LIMIT, NoService, NotHere, Scene, until
from techniques import TECHNIQUES


def attempt(scene, technique):
    """In a process of its own, which is ended with whatever it started and did not detach."""
    scene.technique = technique.id
    name = f"{technique.id}@{scene.vantage}"
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            loot = os.open(scene.out / "loot" / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(loot, 1)
            os.dup2(loot, 2)
            sys.stdout = os.fdopen(1, "w", closefd=False)
            os.write(write, ended(technique, scene).encode())
            sys.stdout.flush()
        finally:
            os._exit(0)
    os.close(write)
    os.set_blocking(read, False)
    over = until(lambda: os.waitpid(pid, os.WNOHANG)[0], LIMIT * (1 if technique.short else 3))
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if not over:
        os.waitpid(pid, 0)
    try:
        said = os.read(read, 4096).decode() or "it was killed"
    except BlockingIOError:
        said = "it was ended after its time"
    os.close(read)
    (scene.out / "done" / name).write_text(said if over else "it was ended after its time")


def ended(technique, scene):
    try:
        technique.act(scene)
        return "done"
    except NoService as e:
        return f"missing: {e}"
    except NotHere as e:
        return f"n/a: {e}"
    except OSError as e:
        return f"{e.strerror or e}"
    except BaseException as e:  # pylint: disable=broad-except
        return f"{type(e).__name__}: {e}"[:2000]


def everything(scene):
    """Once in a place: the client starts hooks and status lines again and again."""
    try:
        os.close(os.open(scene.out / f"began.{scene.vantage}", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    with open(scene.out / "turn", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for technique in TECHNIQUES:
            if technique.id in scene.chosen and not technique.after and scene.vantage in technique.at:
                attempt(scene, technique)
    (scene.out / f"end.{scene.vantage}").write_text("end")


def serve_mcp():
    """As little of a server as the client takes for one."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        result = {"tools": []}
        if asked.get("method") == "initialize":
            result = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                      "serverInfo": {"name": "s", "version": "1"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)


def beside(scene):
    """Where the client waits for us or ends us, the attacks go on in a process that is no
    child of what it started."""
    if os.fork():
        os.wait()
        return
    if scene.vantage == "status":
        os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    try:
        everything(scene)
    except BaseException as e:  # pylint: disable=broad-except
        (scene.out / f"crash.{scene.vantage}").write_text(repr(e))
    os._exit(0)


def main():
    vantage, path = sys.argv[1:3]
    scene = Scene(path, vantage)
    if vantage == "alone":
        for technique in TECHNIQUES:
            if technique.id == sys.argv[3]:
                attempt(scene, technique)
    elif vantage == "mcp":
        beside(scene)
        serve_mcp()
    elif vantage == "status":
        beside(scene)
        print("status")
    elif vantage == "daemon":
        (scene.out / "planted.daemon").write_text(str(os.getpid()))
        while not (scene.out / "go.daemon").exists():
            time.sleep(0.05)
        everything(scene)
    else:
        everything(scene)


if __name__ == "__main__":
    main()
