"""What one user of a system broker can do to another, and what can stand in for
it: user B against user A, floods, fakes, containers."""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import wire_client
from canary import new_token
from client import until
from ccrun import PASSPHRASE
from system_broker import BROKER_UID, PREFIX, RUN, SOCKET, STATE, account, as_user, become, mount
from test_system_broker import got, launch, read
from wire_client import Client, Closed, Refused, request

pytestmark = pytest.mark.root

PATIENCE = 10  # seconds that A's launch may take, whatever B does
TENANTS = 40


@pytest.fixture
def broker(system):
    with system.broker(ptrace=True) as b:
        yield b


@pytest.fixture
def a(system, ep):
    with system.user(1, ep) as user:
        user.demo()
        yield user


@pytest.fixture
def b(system, ep):
    with system.user(2, ep) as user:
        user.demo()
        yield user


@pytest.fixture
def ready(broker, a, token):
    a.init_system()
    a.add("demo", token)
    return a


# ---- B learns nothing of A

def ask_all(name):
    """Everything that names an entry, and what else tells; the answers."""
    origin, variable, policy = wire_client.ORIGIN, wire_client.VARIABLE, wire_client.POLICY
    asked = [("get", {"name": name}), ("rm", {"name": name}), ("rename", {"name": name, "to": "other"}),
             ("approve", {"name": name, "origin": origin, "variable": variable, "policy": policy}),
             ("open", wire_client.open_fields(name)), ("list", {"after": ""}), ("slots", {}), ("slot", {"id": 1}),
             ("settings", {}), ("export", {}), ("person", {"slot": 1, "key": b"k" * 32}), ("unlock", {"slot": 1, "key": b"k" * 32}),
             ("record", {"at": 0, "old": True})]
    answers = []
    for op, fields in asked:
        with Client(SOCKET) as c:
            answers.append((op, c.ask(op, **fields)))
            # Nobody is asked for: the uid is the connection's.
            with Client(SOCKET) as c2:
                assert c2.ask(op, uid=account(1).pw_uid, **fields) == answers[-1][1], op
    return answers


@pytest.mark.parametrize("has", ["no vault", "a vault of its own"])
def test_b_learns_nothing_of_a(ready, b, token, has):
    if has != "no vault":
        b.init_system()
        assert b.ccctl("add", "--key", "demo2", input=new_token() + "\n").rc == 0
    there, absent = b.act(ask_all, "demo"), b.act(ask_all, "nemo")
    assert str(there).replace("demo", "nemo").replace("nemo2", "demo2") == str(absent)
    said = str(there).replace("61002", "")
    assert token not in said and "61001" not in said
    for op, answer in there:
        if op in ("get", "rm", "rename", "approve", "open", "export", "person", "unlock"):
            assert not answer["ok"], (op, answer)
    with Client(SOCKET) as c:  # and neither does root, by this way
        assert c.error("get", name="demo") == "no-vault"
    r = b.ccctl("log")
    assert r.rc == 0 and str(ready.uid) not in r.out
    for argv in (["ls", STATE], ["ls", STATE / "vaults"], ["ls", ready.place], ["cat", ready.place / "record.jsonl"],
                 ["cp", "/dev/null", ready.place / "vault"], ["rm", "-f", SOCKET], ["touch", RUN / "x"]):
        r = b.run(argv)
        assert r.rc != 0 and "ermission denied" in r.err, r
    # A path is no name.
    assert b.ask("get", name="../61001/vault")["error"] in ("person", "no-vault")
    assert got(launch(ready), token)


WRONG_KEYS = 256  # that one uid may try


def guess_keys(times):
    """Wrong keys for the passphrase's slot, by each request that tries one; what comes of each."""
    said = []
    with Client(SOCKET) as c:
        slot = c.call("slots")["slots"][0]["id"]
        for i in range(times):
            said.append(c.error("unlock" if i % 2 else "person", slot=slot, key=os.urandom(32)))
    return said


def test_a_users_program_does_not_guess_the_passphrase(ready, b, token):
    """Whoever asks is told the salt: a dictionary can be made into keys elsewhere, and tried here."""
    b.init_system()
    tried = ready.act(guess_keys, WRONG_KEYS + 20)
    assert tried[:WRONG_KEYS] == ["wrong-key"] * WRONG_KEYS
    assert "busy" in tried and len([t for t in tried if t != "busy"]) <= WRONG_KEYS + 2
    r = ready.ccctl("unlock", "--passphrase-fd", "0", input=PASSPHRASE + "\n")
    assert "wrong keys were tried" in r.err or r.rc == 0
    # another user is asked as before, and what is open goes on
    assert b.act(guess_keys, 2) == ["wrong-key"] * 2
    assert got(launch(ready), token)
    until(lambda: ready.ccctl("unlock", "--passphrase-fd", "0", input=PASSPHRASE + "\n").rc == 0)


def children_of(*pids):
    r = subprocess.run(["pgrep", "-P", ",".join(map(str, pids))], capture_output=True, text=True)
    return r.stdout.split()


def test_nobody_with_a_user_s_uid_kills_traces_or_reads_it(ready, broker, token):
    serving = broker.pid
    waiting = int(read(serving, "status", "PPid"))
    outer = children_of(serving)
    children = [*outer, *children_of(*outer)]
    assert len(children) == 4, "its witness, the keeper of the relays, and what starts each again"

    def attack():
        libc = ctypes.CDLL(None, use_errno=True)
        done = []
        for pid in (serving, waiting, *map(int, children)):
            for sig in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, 0):
                try:
                    os.kill(pid, sig)
                    done.append((pid, sig))
                except PermissionError:
                    pass
            for what in (16, 0x4206):  # PTRACE_ATTACH, PTRACE_SEIZE
                if libc.ptrace(what, pid, 0, 0) == 0:
                    done.append((pid, "ptrace"))
            for leaf in ("mem", "environ", "maps", "smaps", "stack", "syscall", "auxv", "io"):
                try:
                    os.close(os.open(f"/proc/{pid}/{leaf}", os.O_RDONLY))
                    done.append((pid, leaf))
                except PermissionError:
                    pass
            for leaf in ("exe", "cwd", "root", "fd"):
                try:
                    os.listdir(f"/proc/{pid}/fd") if leaf == "fd" else os.readlink(f"/proc/{pid}/{leaf}")
                    done.append((pid, leaf))
                except PermissionError:
                    pass
        return done
    assert ready.act(attack) == []
    assert got(launch(ready), token)


# ---- B takes nothing from A

def patiently(step):
    """Whatever the broker answers, go on."""
    while True:
        try:
            step()
        except (OSError, Closed, Refused, AssertionError):
            time.sleep(0.001)


def flood_connections():
    kept = []

    def step():
        c = Client(SOCKET)
        kept.append(c)
        if len(kept) > 200:
            kept.pop(0).close()
        c.send(request("hello"))
    patiently(step)


def flood_malformed():
    def step():
        with Client(SOCKET) as c:
            c.send(b"\xdf\x07\xff\xff\xff" + b"\xc1" * 60000)
    patiently(step)


def flood_talk():
    def step():
        with Client(SOCKET) as c:
            for _ in range(1000):
                c.ask("get", name="x" * 64)  # as long a line on record as can be
    patiently(step)


def flood_puts():
    def step():
        with Client(SOCKET) as c:
            c.call("put", name="demo", origin="o", variable=wire_client.VARIABLE, policy=wire_client.POLICY,
                   replace=True, token=b"t" * 16384)
    patiently(step)


def flood_staged():
    clients = [Client(SOCKET) for _ in range(30)]

    def step():
        for i, c in enumerate(clients):
            at = 0
            try:
                while at < 480000:
                    c.call("stage", at=at, part=b"x" * 48000)
                    at += 48000
            except (OSError, Closed):
                clients[i] = Client(SOCKET)
            except Refused:
                pass
    patiently(step)


def flood_never_reading():
    clients = []

    def step():
        if len(clients) < 64:
            clients.append(Client(SOCKET, timeout=1))
        for i, c in enumerate(clients):
            try:
                for _ in range(20):
                    c.sock.send(request("record", at=0), socket.MSG_DONTWAIT)
            except BlockingIOError:
                pass
            except OSError:
                c.close()
                clients[i] = Client(SOCKET, timeout=1)
    patiently(step)


FLOODS = (flood_connections, flood_malformed, flood_talk, flood_puts, flood_staged, flood_never_reading)


def descriptors(broker):
    return len(os.listdir(f"/proc/{broker.pid}/fd"))


def resident(broker):
    return int(read(broker.pid, "status", "VmRSS"))


@pytest.mark.parametrize("flood", FLOODS, ids=lambda f: f.__name__[6:])
def test_b_floods_and_a_launches(ready, broker, b, token, flood):
    b.init_system()
    before = descriptors(broker)
    took = []
    with b.busy(flood), b.busy(flood):
        for _ in range(2):
            r = launch(ready, timeout=PATIENCE)
            assert got(r, token), r
            took.append(r.seconds)
            assert descriptors(broker) < before + 3 * 64 + 32
            assert resident(broker) < 32 * 1024
        r = ready.ccctl("add", "demo", "--replace", input=token + "\n", timeout=PATIENCE)
        assert r.rc == 0, r
    print(f"{flood.__name__}: {max(took):.2f} s at most, {resident(broker)} KiB")
    assert until(lambda: descriptors(broker) <= before + 8, 40, "descriptors given back")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace makes the disk slow")
def test_on_a_slow_disk_b_writes_and_a_launches(ready, broker, b, token):
    """Each of B's requests waits for the disk for a second; A's wait for none."""
    b.init_system()
    slow = subprocess.Popen(["strace", "-qq", "-p", str(broker.pid), "-e", "trace=fsync", "-e",
                             "inject=fsync:delay_enter=500000"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: read(broker.pid, "status", "TracerPid") != "0", 10)
        with b.busy(flood_puts), b.busy(flood_puts), b.busy(flood_puts), b.busy(flood_puts):
            time.sleep(2)
            for _ in range(2):
                r = launch(ready, timeout=4)
                assert got(r, token), r
                print(f"slow disk: {r.seconds:.2f} s")
    finally:
        slow.terminate()
        slow.wait(10)


def test_b_fills_its_own_memory_and_vault_and_no_one_else_s(ready, b, token):
    b.init_system()

    def fill():
        with Client(SOCKET) as c:
            for i in range(200):
                r = c.ask("put", name=f"k{i}", origin="o", variable=wire_client.VARIABLE, policy=wire_client.POLICY,
                          replace=False, token=b"t" * 16384)
                if not r["ok"]:
                    return i, r["error"]
        return 200, ""
    n, error = b.act(fill)
    assert 5 < n < 200 and error in ("no-memory", "too-large"), (n, error)
    r = ready.ccctl("add", "--key", "another", input=new_token() + "\n")
    assert r.rc == 0, r
    assert got(launch(ready), token)


def greet():
    """The answer to hello; who is refused is told so before it has spoken."""
    with Client(SOCKET) as c:
        try:
            c.send(request("hello"))
        except Closed:
            pass
        return wire_client.unpack(c.recv())


class Others:
    """Users with a number each, who hold a connection."""

    def __init__(self, first, n):
        self.pids, self.answers = [], []
        for uid in range(first, first + n):
            r, w = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    become(uid)
                    c = Client(SOCKET)
                    try:
                        c.send(request("hello"))
                    except Closed:
                        pass
                    reply = wire_client.unpack(c.recv())
                    os.write(w, str(reply.get("error") or reply["state"]).encode())
                    signal.pause()
                except BaseException as e:  # pylint: disable=broad-except
                    os.write(w, type(e).__name__.encode())
                finally:
                    os._exit(0)
            os.close(w)
            self.pids.append(pid)
            self.answers.append(os.read(r, 100).decode())
            os.close(r)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def test_a_user_too_many_is_told_so_and_nobody_else_notices(ready, broker, ep, system, token):
    # A and root (the fixture asked) have a place; each of the others gets one, locked
    # memory and all, under whatever limit on it there is.
    with Others(62001, TENANTS - 2) as first:
        assert set(first.answers) == {"none"}, first.answers
        with Others(63001, 3) as late:
            # Root's place was free: nobody uses it.
            assert late.answers in (["none", "busy", "busy"], ["busy"] * 3), late.answers
            assert got(launch(ready), token)
            # Who has a vault of his own is not kept from it.
            with system.user(9, ep) as c:
                c.demo()
                r = c.ccctl("status")
                assert r.rc != 0 and "serves 40 users already" in r.err, r
                r = c.with_passphrase("init")
                assert r.rc == 0, r
                c.add("demo", token)
                assert got(launch(c), token)
        assert resident(broker) < 64 * 1024
    with Others(64001, 5) as later:
        assert set(later.answers) == {"none"}, later.answers
    # Locking what one has not got holds no place either.
    for uid in range(65001, 65001 + TENANTS + 5):
        as_user(uid, lambda: Client(SOCKET).call("lock"))
    assert got(launch(ready), token)


def test_more_users_than_places_when_nobody_must_be_asked(system, a, token):
    """45 vaults that open by themselves share 40 places; a lock is not lost by it."""
    subprocess.run([PREFIX / "bin/ccctl", "host", "init", "--system"], check=True, capture_output=True)
    users = [62001 + n for n in range(TENANTS + 5)]

    def ccctl(uid, *words):
        argv = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", str(PREFIX / "bin/ccctl"), *words]
        return subprocess.run(argv, env={"HOME": "/nonexistent"}, capture_output=True, text=True,
                              input=PASSPHRASE)

    def init(uid):
        return ccctl(uid, "init", "--system", "--keyfile", "--passphrase-fd", "0")
    with system.broker():
        a.init_system()
        a.add("demo", token)
        assert a.ccctl("slot", "add", "keyfile").rc == 0
        for uid in users[:TENANTS - 1]:
            assert init(uid).returncode == 0
        # Open vaults that a person made or opened keep their places.
        r = init(users[-1])
        assert r.returncode == 1 and "serves 40 users already" in r.stderr, r
    with system.broker():
        for uid in users[TENANTS - 1:]:
            r = init(uid)
            assert r.returncode == 0, r
    with system.broker() as b:
        for uid in users:
            r = ccctl(uid, "unlock", "--auto")
            assert r.returncode == 0, (uid, r)
        assert got(launch(a), token)
        assert a.ccctl("lock").rc == 0
        status = a.status()
        for uid in users:
            assert ccctl(uid, "unlock", "--auto").returncode == 0
        assert (a.place / "locked").exists(), "its place was given away"
        assert {k: a.status()[k] for k in ("state", "locked_why", "locked_at")} == {
            "state": "locked", "locked_why": "request", "locked_at": status["locked_at"]}
        assert a.ccctl("unlock", "--auto").rc == 3 and launch(a).rc == 125
        for uid in users:
            assert ccctl(uid, "unlock", "--auto").returncode == 0
    with system.broker():
        assert a.status()["locked_why"] == "request", "over a restart too"
        assert a.unlock().rc == 0 and got(launch(a), token)
        assert not (a.place / "locked").exists()


def test_subordinate_uids_are_no_users(ready, tmp_path, token):
    """65,536 of them belong to one person, who could take every place."""
    (tmp_path / "subuid").write_text("ccx:100000:65536\n\nnobody::\nuser2:300000:65536\n")
    mount("--bind", tmp_path / "subuid", "/etc/subuid")
    try:
        for uid in (100000, 165535, 300007):
            error = as_user(uid, greet)
            assert error["error"] == "peer" and "subordinate" in error["message"], error
        for uid in (99999, 165536):
            assert as_user(uid, greet)["ok"]
        assert not (STATE / "vaults/100000").exists()
        assert got(launch(ready), token)
    finally:
        subprocess.run(["umount", "/etc/subuid"], check=True)


def test_refusals_grow_no_record_but_the_own_and_that_is_bounded(ready, b):
    before = (ready.place / "record.jsonl").stat().st_size
    with b.busy(flood_talk), b.busy(flood_talk):
        until(lambda: (b.place / "record.1.jsonl").exists(), 60, "the record begins anew")
        time.sleep(1)
    assert sum(p.stat().st_size for p in b.place.iterdir()) < 2 * (8 << 20) + 65536
    assert (ready.place / "record.jsonl").stat().st_size == before


# ---- what stands in for it

def serve_fake(uid, hide, marked):
    """In a child: a process of that uid that listens on the socket and says yes."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            become(uid)
            wire_client.libc.prctl(4, 0 if hide else 1, 0, 0, 0)
            if marked:
                wire_client.mark()
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(str(SOCKET))
            SOCKET.chmod(0o666)
            listener.listen(8)
            os.write(w, b"!")
            while True:
                peer, _ = listener.accept()
                data = peer.recv(65536)
                while data:
                    with open(f"/tmp/fake-{os.getpid()}", "ab") as f:
                        f.write(data)
                    peer.send(b"\x86\xa1v\x01\xa2ok\xc3\xa5state\xa8unlocked\xa7granted\xc3\xa3why\xa5start\xa6asleep\x00")
                    data = peer.recv(65536)
        finally:
            os._exit(0)
    os.close(w)
    assert os.read(r, 1) == b"!"
    os.close(r)
    return pid


@pytest.mark.parametrize("uid,hide,marked,says", [
    (BROKER_UID, False, False, "is not hardened"), (BROKER_UID, True, True, "descends from a session"),
    (BROKER_UID + 2, True, False, "somebody else's"),
], ids=["dumpable", "marked", "another uid"])
def test_a_fake_gets_nothing(system, a, token, uid, hide, marked, says):
    a.init()  # even the user who would do without
    if uid != BROKER_UID:
        RUN.chmod(0o777)  # how else could it?
    pid = serve_fake(uid, hide, marked)
    RUN.chmod(0o755)
    heard = f"/tmp/fake-{pid}"
    try:
        for r in (a.unlock(), a.ccctl("add", "demo", input=token), launch(a), a.with_passphrase("move", "system")):
            assert r.rc in (5, 125) and says in r.err and "hint:" in r.err, r
        with open(heard, "rb") as f:
            said = f.read()
        assert said and token.encode() not in said and PASSPHRASE.encode() not in said
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if os.path.exists(heard):
            os.unlink(heard)


@pytest.mark.parametrize("what", ["root's", "group-writable", "the user's own", "a link", "nobody's"])
def test_a_directory_that_is_not_the_broker_s(ready, broker, what):
    if what == "a link":
        RUN.rename("/run/elsewhere")
        RUN.symlink_to("/run/elsewhere")
    elif what == "group-writable":
        RUN.chmod(0o775)
    else:
        uid = {"root's": 0, "nobody's": 65534}.get(what, ready.uid)
        os.chown(RUN, uid, uid)
    try:
        for r in (ready.unlock(), ready.ccctl("status"), launch(ready)):
            assert r.rc in (5, 125) and "/run/ccrun is not the system broker's directory" in r.err, r
    finally:
        if what == "a link":
            RUN.unlink()
            os.rename("/run/elsewhere", RUN)
        RUN.chmod(0o755)
        os.chown(RUN, BROKER_UID, BROKER_UID)


def test_a_socket_elsewhere_is_never_asked(system, a, token, tmp_path):
    """What a session can write to changes nothing: no variable names the socket."""
    r = a.with_passphrase("init", "--system", env={"CCRUN_SOCKET": tmp_path / "s", "XDG_RUNTIME_DIR": a.tmp})
    assert r.rc == 1 and "the system broker is not running" in r.err, r


# ---- containers

@pytest.mark.parametrize("words,says", [
    (["--pid", "--fork", "--mount-proc"], "pid namespace"),
    (["--user", "--map-root-user"], "is not the system broker's directory (uid 65534"),
], ids=["pid namespace", "user namespace"])
def test_from_inside_a_container_it_is_a_clean_no(ready, broker, token, words, says):
    inside = ["unshare", *words]
    if "--pid" in words:  # only root makes one without a user namespace
        argv = [*inside, *ready.argv([ready.bin / "ccrun", "--exec", "/bin/true", "demo"])]
        r = subprocess.run([str(w) for w in argv], env=ready.env(), cwd="/", capture_output=True, text=True)
        code, err = r.returncode, r.stderr
    else:
        r = ready.run([*inside, ready.bin / "ccctl", "keys"])
        code, err = r.rc, r.err
        if "unshare" in err:
            pytest.skip("no user namespaces here")
    assert code in (5, 125) and says in err, err

    # And who goes past the client is told no by the broker, an opened vault or not.
    if "--user" in words:
        def run():
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.unshare(0x10000000) == 0
            with Client(SOCKET) as c:
                return c.ask("open", **wire_client.open_fields("demo"))
        reply = ready.act(run)
        assert reply["error"] == "posture" and "namespace" in reply["message"], reply


def test_with_hidepid_nothing_is_given(system, broker, ready, token):
    if tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) < (5, 8):
        pytest.skip("there, the option is the whole machine's")
    mount("-t", "proc", "-o", "hidepid=2", "proc", "/proc")
    try:
        r = launch(ready)
        assert r.rc == 125 and "hidepid" in r.err, r
    finally:
        subprocess.run(["umount", "/proc"], check=True)
    assert got(launch(ready), token)
