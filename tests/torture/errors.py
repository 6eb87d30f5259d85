"""Which errors a system call can return, of those that a full, broken or busy machine makes;
and what a program's end says about how it took one."""
import errno
import re
import signal

NO_ROOM = ("ENOSPC", "EIO")
NO_DESCRIPTOR = ("EMFILE", "ENOMEM")
# brk is not among them: the kernel answers it with the old end, and malloc has another way.
CAN = {
    **dict.fromkeys(("open", "openat"), ("EMFILE", "ENOMEM", "EIO")),
    "create": ("EMFILE", "ENOMEM", "EIO", "ENOSPC"),  # an open with O_CREAT
    **dict.fromkeys(("read", "pread64", "readv"), ("EIO", "EINTR")),
    **dict.fromkeys(("write", "pwrite64", "writev"), ("ENOSPC", "EIO", "EINTR")),
    **dict.fromkeys(("fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "link", "linkat", "mkdir",
                     "mkdirat", "symlink", "symlinkat"), NO_ROOM),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir", "close", "getdents64", "fchmod", "fchown", "chmod", "chdir"), ("EIO",)),
    **dict.fromkeys(("stat", "lstat", "fstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
                     "readlinkat"), ("EIO", "ENOMEM")),
    "flock": ("EINTR", "ENOLCK"),
    **dict.fromkeys(("sendmsg", "sendto"), ("EAGAIN", "EINTR", "ENOMEM")),
    **dict.fromkeys(("recvmsg", "recvfrom"), ("EAGAIN", "EINTR", "ENOMEM")),
    "accept4": ("EMFILE", "EINTR", "EAGAIN", "ENOMEM"),
    "connect": ("EINTR", "EAGAIN", "ENOMEM"),
    **dict.fromkeys(("epoll_wait", "epoll_pwait", "wait4", "waitid", "getrandom", "nanosleep", "clock_nanosleep"), ("EINTR",)),
    "epoll_ctl": ("ENOMEM", "ENOSPC"),
    **dict.fromkeys(("poll", "ppoll"), ("EINTR", "ENOMEM")),
    **dict.fromkeys(("socket", "socketpair", "pipe", "pipe2", "dup", "dup2", "dup3", "pidfd_open", "memfd_create",
                     "memfd_secret", "eventfd2", "timerfd_create", "signalfd4", "epoll_create1", "inotify_init1",
                     "landlock_create_ruleset"), NO_DESCRIPTOR),
    **dict.fromkeys(("mmap", "mremap", "mprotect", "execve", "execveat", "bind", "setsockopt", "getsockopt",
                     "seccomp", "landlock_add_rule", "landlock_restrict_self", "allocate"), ("ENOMEM",)),
    **dict.fromkeys(("mlock", "mlock2", "mlockall", "clone", "clone3", "fork", "vfork"), ("EAGAIN", "ENOMEM")),
}
SHORTENED = ("read", "pread64", "readv", "write", "pwrite64", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg")


def compiles_filter(lines, n=30):
    """The places of a log where libseccomp makes a filter of a table: many allocations in a row.
    It does not tell of each that failed; the kernel then ends who relied on the rest."""
    runs, found = {}, set()
    for at, line in enumerate(lines, 1):
        name, _, process = line.partition("\t")
        run = runs.setdefault(process, [])
        if name == "allocate":
            run.append(at)
            continue
        if len(run) > n:
            found.update(run)
        run.clear()
    return found


def points(lines, step=1, rest=0):
    """(number, name, error) for every call of a log that can fail, and each of its errors; step,
    rest: those alone whose place, divided by step, leaves rest."""
    n, skip = 0, compiles_filter(lines)
    for at, line in enumerate(lines, 1):
        name = line.split("\t")[0]
        for error in () if at in skip else CAN.get(name, ()):
            n += 1
            if n % step == rest:
                yield at, name, error


def short_points(lines, step=1):
    """(number, name) of what may be done by half."""
    n = 0
    for at, line in enumerate(lines, 1):
        name = line.split("\t")[0]
        if name in SHORTENED:
            n += 1
            if n % step == 0:
                yield at, name


def number(name):
    return getattr(errno, name)


CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP}


def ended_badly(code, sig):
    """A signal of its own making, also told by an exit code of a waiting parent; None: not."""
    sig = sig or (code - 128 if code > 128 else 0)
    return signal.Signals(sig).name if sig in CRASHES else None


def says_why(text):
    """Is there a line from one of our programs?"""
    return re.search(r"^(cc|ccrun|ccctl|ccbroker)[a-z-]*: .{8,}", text, re.M) is not None


def shows(text, secrets):
    """A secret, or a third of one, in that text."""
    data = text.encode(errors="replace") if isinstance(text, str) else text
    return [s for s in secrets if s in data or s[-len(s) // 3:] in data]


def took_badly(end, said, secrets, foreign=False):
    """What is wrong with how a program ended that was refused something, and with what it said.
    foreign: a word of another program's will do."""
    wrong = []
    bad = ended_badly(end.code, end.signal)
    if bad:
        wrong.append(f"it died by {bad}: {said}")
    elif end.code != 0 and not says_why(said) and not (foreign and said):
        wrong.append(f"it ended with {end.code} and without a word: {said!r}")
    if shows(said, secrets):
        wrong.append("it shows a key")
    return wrong
