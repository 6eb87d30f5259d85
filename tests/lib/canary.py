"""Looks for pieces of a token where none may be: environments, arguments,
files, memory.  A token for this has no public prefix (see new_token), else
the prefix alone would be a find.  Findings never show the piece itself."""
import os
import re
import secrets
import signal
import stat
import string
from contextlib import contextmanager
from dataclasses import dataclass

PIECE = 12           # so many characters of a token in one place are a leak
CHUNK = 4 << 20      # read at a time; a page table entry is 8 bytes a page
PAGE = os.sysconf("SC_PAGE_SIZE")
HERE = re.compile(rb"[\x40-\xff]")
GONE = re.compile(rb"[\x00-\x3f]")

# For a scripted Bash tool: all that it can see of processes, into ~/snoop.txt.
SNOOP = ("{ env; cat /proc/self/environ /proc/$PPID/environ /proc/[0-9]*/environ"
         " /proc/[0-9]*/cmdline; } > ~/snoop.txt 2> ~/snoop.err; echo snooped")


@dataclass(frozen=True)
class Finding:
    where: str       # /proc/PID/environ, a path, "PID: address range name"
    offset: int      # in the file; for memory the address
    length: int      # bytes of the token that are there, at least a piece
    encoding: str    # plain or utf-16

    def __str__(self):
        return f"{self.where}+{self.offset:#x}: {self.length} bytes of the token ({self.encoding})"


def new_token(length=48):
    """A random token in which no part can be found by chance."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))


def pieces(token, n=PIECE):
    """Every n-character piece of a token."""
    if len(token) < n:
        raise ValueError(f"a token of {len(token)} characters has no piece of {n}")
    return {token[i:i + n] for i in range(len(token) - n + 1)}


class Needle:
    """A search for every piece of one token in one encoding.  Any n bytes of
    it hold one whole aligned block of (n + 1) // 2: those are looked for, and
    what is around a hit is compared, which is far less than a search a piece."""

    def __init__(self, token, n=PIECE, encoding="plain"):
        pieces(token, n)
        self.encoding = encoding
        # One less than 2 n, so that little-endian finds big-endian as well.
        wide = encoding == "utf-16"
        self.raw = token.encode("utf-16-le" if wide else "utf-8")
        self.need = 2 * n - 1 if wide else n
        size = (self.need + 1) // 2
        self.blocks = [(i, self.raw[i:i + size])
                       for i in range(0, len(self.raw) - size + 1, size)]

    def search(self, data):
        """Yields (offset, length) of every place that holds a piece."""
        seen = set()
        for at, block in self.blocks:
            hit = data.find(block)
            while hit >= 0:
                low, high = 0, len(block)
                while low < min(at, hit) and data[hit - low - 1] == self.raw[at - low - 1]:
                    low += 1
                while (at + high < len(self.raw) and hit + high < len(data)
                       and data[hit + high] == self.raw[at + high]):
                    high += 1
                if low + high >= self.need and (hit - low, low + high) not in seen:
                    seen.add((hit - low, low + high))
                    yield hit - low, low + high
                hit = data.find(block, hit + 1)


def needles(token, n=PIECE, wide=True):
    kinds = ("plain", "utf-16") if wide else ("plain",)
    return [Needle(token, n, kind) for kind in kinds]


def scan_bytes(data, token, where="data", base=0, n=PIECE, wide=True, _needles=None):
    """Findings in a bytes value (what a screen showed, what a program wrote)."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    return [Finding(where, base + offset, length, needle.encoding)
            for needle in _needles or needles(token, n, wide)
            for offset, length in needle.search(data)]


def scan_stream(read, token_needles, where, base=0):
    """Findings in what read(size) gives until it gives nothing, in chunks
    that overlap by a token."""
    keep = max(len(needle.raw) for needle in token_needles)
    found, tail, at = {}, b"", base
    while True:
        data = read(CHUNK)
        if not data:
            return list(found.values())
        window = tail + data
        for f in scan_bytes(window, None, where, at - len(tail), _needles=token_needles):
            # One that the chunk's end cut short comes again, longer.
            old = found.get((f.offset, f.encoding))
            if old is None or old.length < f.length:
                found[f.offset, f.encoding] = f
        tail, at = window[-keep:], at + len(data)


# ---- files -------------------------------------------------------------

def scan_files(dirs, token, n=PIECE, skip=()):
    """Every regular file below dirs (a directory, a file or a list), and every
    name and symlink target.  skip: paths that may hold it.  A file that cannot
    be read is an error, not a clean file; one that has gone is none."""
    found, search = [], needles(token, n)
    skip = {os.fspath(s) for s in skip}

    def one(path):
        found.extend(scan_bytes(os.fsencode(path), None, f"name of {path!r}", _needles=search))
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                found.extend(scan_bytes(os.fsencode(os.readlink(path)), None,
                                        f"link {path!r}", _needles=search))
            elif stat.S_ISREG(mode):
                with open(path, "rb", buffering=0) as f:
                    found.extend(scan_stream(f.read, search, path))
        except FileNotFoundError:
            pass

    def fail(error):
        if not isinstance(error, FileNotFoundError):
            raise error

    for top in [dirs] if isinstance(dirs, (str, os.PathLike)) else dirs:
        top = os.fspath(top)
        if top not in skip and (os.path.islink(top) or not os.path.isdir(top)):
            one(top)
            continue
        for where, names, files in os.walk(top, onerror=fail):
            names[:] = [x for x in names if os.path.join(where, x) not in skip]
            links = [x for x in names if os.path.islink(os.path.join(where, x))]
            for name in files + links:
                if os.path.join(where, name) not in skip:
                    one(os.path.join(where, name))
    return found


# ---- processes ---------------------------------------------------------

def scan_proc(token, n=PIECE, skip=(), names=("environ", "cmdline")):
    """environ and cmdline of every process that this user may read (root: of
    all).  skip: pids that may show it.  Returns (findings, pids read), so that
    a test can tell "clean" from "could not look"."""
    found, read, search = [], set(), needles(token, n, wide=False)
    for pid in (int(x) for x in os.listdir("/proc") if x.isdigit()):
        for name in names if pid not in skip else ():
            try:
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    data = f.read()
            except OSError:
                continue
            if name == names[0]:
                read.add(pid)
            found.extend(scan_bytes(data, None, f"/proc/{pid}/{name}", _needles=search))
    return found, read


def scan_descriptors(pid, token, n=PIECE, below=64 << 20):
    """What the regular files hold that a process has open, deleted and nameless ones too; not
    the system's programs, nor what is larger than `below`.  (findings, files read)"""
    found, read, search = [], 0, needles(token, n)
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found, read
    for number in numbers:
        path = f"/proc/{pid}/fd/{number}"
        try:
            name, st = os.readlink(path), os.stat(path)
            if not stat.S_ISREG(st.st_mode) or st.st_size > below or name.startswith("/usr/"):
                continue
            with open(path, "rb", buffering=0) as f:
                found.extend(scan_stream(f.read, search, f"{path} ({name})"))
            read += 1
        except OSError:
            continue
    return found, read


# ---- memory ------------------------------------------------------------

@contextmanager
def frozen(pid):
    """Stop a process meanwhile, so that nothing moves past the search."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def mappings(pid):
    """[(start, end, perms, name, flags, resident)] from smaps."""
    found = []
    with open(f"/proc/{pid}/smaps", "r", errors="replace") as f:
        for line in f:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if head:
                found.append([int(head[1], 16), int(head[2], 16), head[3], head[4], set(), 0])
            elif line.startswith(("Rss:", "Swap:")):
                found[-1][5] += int(line.split()[1])
            elif line.startswith("VmFlags:"):
                found[-1][4].update(line.split()[1:])
    return found


def resident_runs(pagemap, start, end):
    """The runs of pages of a mapping that exist, as (start, end).  A runtime
    reserves many gigabytes that it never touches: reading them would too."""
    run = None
    for at in range(start, end, CHUNK // 8 * PAGE):
        # The top byte of each entry has "present" and "swapped".
        top = os.pread(pagemap, CHUNK, at // PAGE * 8)[7::8][:(end - at) // PAGE]
        page = 0
        while True:
            hit = (GONE if run is not None else HERE).search(top, page)
            if hit is None:
                break
            page = hit.start()
            if run is None:
                run = at + page * PAGE
            else:
                yield run, at + page * PAGE
                run = None
    if run is not None:
        yield run, end


def scan_memory(pid, token, n=PIECE, spare_locked=True, wide=True):
    """Every readable page of a process (root, or an own one that is dumpable);
    spare_locked: but for mappings that the kernel says are locked (VmFlags
    `lo`).  Returns (findings, bytes searched, locked bytes left out)."""
    found, searched, spared, search = [], 0, 0, needles(token, n, wide)
    mem = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for start, end, _, name, flags, resident in mappings(pid):
            if spare_locked and "lo" in flags:
                spared += end - start
                continue
            if not resident or "io" in flags or name.startswith("[v"):
                continue
            for low, high in resident_runs(pagemap, start, end):
                where = f"{pid}: {start:x}-{end:x} {name}".rstrip()
                at = [low]

                def read(size, at=at, high=high):
                    try:
                        data = os.pread(mem, min(size, high - at[0]), at[0])
                    except OSError:  # gone meanwhile, or beyond a file's end
                        return b""
                    at[0] += len(data)
                    return data

                found.extend(scan_stream(read, search, where, low))
                searched += at[0] - low
    finally:
        os.close(mem)
        os.close(pagemap)
    return found, searched, spared
