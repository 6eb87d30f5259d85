"""What a disk may hold after a loss of power: a model of files, names and what was synced.

The tracer's log of a program is replayed on the tree that it began with.  What was written is on
the disk for certain only when its file was synced, and a name when its directory was.  At each
point there are the trees that POSIX, and ext4 with delayed allocation, allow then:

  names  those of a beginning of the unsynced changes (a journal keeps their order), from none to
         all; and all but one, for each
  data   of files with unsynced bytes: all, none, half of the last write, and as long as all but
         zeros

The model is checked, too: with everything on the disk it must be the tree that is there.
"""
import hashlib
import itertools
import os
import stat
from pathlib import Path


VIEWS = ("all", "none", "half", "zeros")


class Inode:
    """data: of a symbolic link the path in it, a str, which is there when its name is."""

    def __init__(self, data=b"", directory=False):
        self.data = self.synced = data
        self.last = (0, 0)  # offset and length of the last write
        self.directory = directory

    def write(self, at, data):
        at = len(self.data) if at < 0 else at
        old = self.data.ljust(at, b"\0")
        self.data = old[:at] + data + old[at + len(data):]
        self.last = (at, len(data))

    def views(self):
        """By name of what may have become of the data."""
        if isinstance(self.data, str):
            return dict.fromkeys(VIEWS, self.data)
        at, n = self.last
        zeros = self.data if len(self.data) <= len(self.synced) else \
            self.synced + bytes(len(self.data) - len(self.synced))
        cut = at + n == len(self.data) and self.data != self.synced
        half = self.data[:at + n // 2] if cut else self.data
        return {"all": self.data, "none": self.synced, "half": half, "zeros": zeros}


def found(path, mode):
    if stat.S_ISLNK(mode):
        return Inode(os.readlink(path))
    return Inode(directory=True) if stat.S_ISDIR(mode) else Inode(path.read_bytes())


class Disk:
    """roots: the directories that count."""

    def __init__(self, *roots):
        self.roots = [str(r) for r in roots]
        self.names, self.synced, self.pending, self.numbers, self.modes = {}, {}, [], {}, {}
        for root in roots:
            for path in [root, *sorted(root.rglob("*"))]:
                st = path.lstat()
                if stat.S_IFMT(st.st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
                    continue
                number = f"{st.st_dev:x}:{st.st_ino:x}"
                if number not in self.numbers:
                    self.numbers[number] = found(path, st.st_mode)
                self.names[str(path)] = self.synced[str(path)] = self.numbers[number]
                self.modes[str(path)] = stat.S_IMODE(st.st_mode)

    def counts(self, path):
        return any(path == r or path.startswith(r + "/") for r in self.roots)

    # ---- what was done ----

    def change(self, remove, add, node=None):
        """A change of names, which waits for its directory's sync."""
        self.pending.append((remove, add, node))
        self.enter(self.names, self.pending[-1])

    @staticmethod
    def enter(names, change):
        remove, add, node = change
        if remove:
            names.pop(remove, None)
        if add:
            names[add] = node

    def node(self, number, path):
        """By its name: a file system gives the number of a file that is gone to the next."""
        if path in self.names:
            self.numbers[number] = self.names[path]
        return self.numbers.get(number)

    def take(self, line):
        """One line of the log; False: nothing that counts."""
        kind, *words = line.split("\t")
        return getattr(self, "do_" + kind)(*words) is not False

    def do_open(self, path, flags):
        if not self.counts(path) or ("x" in flags and path in self.names):
            return False
        if path not in self.names:
            self.change(None, path, Inode())
            return True
        if "t" in flags and self.names[path].data:
            self.names[path].data = b""
            return True
        return False

    def do_write(self, number, path, at, data=""):
        node = self.node(number, path)
        if not node:
            return False
        node.write(int(at), bytes.fromhex(data))
        return True

    def do_truncate(self, number, path, size):
        node = self.node(number, path)
        if not node or len(node.data) == int(size):
            return False
        node.data = node.data[:int(size)].ljust(int(size), b"\0")
        return True

    def do_rename(self, old, new):
        if old not in self.names or self.names[old] is self.names.get(new):
            return False
        self.change(old, new, self.names[old])
        return True

    def do_link(self, old, new):
        if old not in self.names or new in self.names:
            return False
        self.change(None, new, self.names[old])
        return True

    def do_symlink(self, target, path):
        if not self.counts(path) or path in self.names:
            return False
        self.change(None, path, Inode(target))
        return True

    def do_unlink(self, path):
        if path not in self.names:
            return False
        self.change(path, None)
        return True

    do_rmdir = do_unlink

    def do_mkdir(self, path):
        if path in self.names or not self.counts(path):
            return False
        self.change(None, path, Inode(directory=True))
        return True

    def do_sync(self, number, path, _):
        node = self.node(number, path)
        if not node:
            return False
        node.synced = node.data
        if node.directory:
            here = [c for c in self.pending if str(Path(c[1] or c[0]).parent) == path]
            for change in here:
                self.enter(self.synced, change)
                self.pending.remove(change)
        return True

    def do_send(self):
        return True

    def do_unknown(self, number):
        raise AssertionError(f"the model does not know system call {number}")

    # ---- what may be there ----

    def name_views(self):
        n = len(self.pending)
        chosen = [self.pending[:i] for i in range(n + 1)] + [self.pending[:i] + self.pending[i + 1:] for i in range(n)]
        for changes in chosen:
            names = dict(self.synced)
            for change in changes:
                self.enter(names, change)
            yield {p: node for p, node in names.items()
                   if all(str(parent) in names for parent in Path(p).parents if self.counts(str(parent)))}

    def trees(self):
        """{path: bytes, or None for a directory}, each once."""
        seen = set()
        for names in self.name_views():
            for view in VIEWS:
                tree = {p: None if n.directory else n.views()[view] for p, n in names.items()}
                key = digest(tree)
                if key not in seen:
                    seen.add(key)
                    yield key, tree

    def differs(self, there):
        """The paths about which this model and a disk that was read are not of one mind."""
        mine, real = ({p: n.data for p, n in d.names.items()} for d in (self, there))
        return sorted(p for p in mine.keys() | real.keys() if mine.get(p) != real.get(p))


class Disks:
    """Several disks of one computer, of which each may lose what it may lose: nothing keeps the
    order of a change on the one and a change on another but a sync in between."""

    def __init__(self, *disks):
        self.disks = disks
        self.views = [list(d.trees()) for d in disks]
        self.modes = {path: mode for d in disks for path, mode in d.modes.items()}

    def take(self, line):
        paths = [w for w in line.split("\t") if w.startswith("/")]
        changed = False
        for n, disk in enumerate(self.disks):
            if (not paths or any(map(disk.counts, paths))) and disk.take(line):
                self.views[n] = list(disk.trees())
                changed = True
        return changed

    def trees(self):
        for chosen in itertools.product(*self.views):
            yield b"".join(key for key, _ in chosen), {p: d for _, tree in chosen for p, d in tree.items()}

    def differs(self, there):
        return [p for mine, real in zip(self.disks, there.disks) for p in mine.differs(real)]


def digest(tree):
    h = hashlib.blake2b(digest_size=16)
    for path in sorted(tree):
        data = tree[path]
        h.update(f"{path}\0{type(data).__name__}{len(data or b'')}\0".encode())
        h.update(data.encode() if isinstance(data, str) else data or b"")
    return h.digest()


def put_tree(tree, modes=()):
    """Write it where it belongs; the roots are empty.  modes: of paths for which another one
    than 0600 or 0700 matters."""
    for path in sorted(tree):
        data, at = tree[path], Path(path)
        if isinstance(data, str):
            at.symlink_to(data)
            continue
        if data is None:
            at.mkdir(mode=0o700, exist_ok=True, parents=True)
        else:
            at.write_bytes(data)
        at.chmod(modes[path] if path in modes else 0o700 if data is None else 0o600)


def replay(disk, lines):
    """(is that behind the last line, tree) for every tree that a loss of power may leave."""
    seen = set()
    for line in lines:
        if not disk.take(line):
            continue
        for key, tree in disk.trees():
            if key not in seen:
                seen.add(key)
                yield False, tree
    for _, tree in disk.trees():
        yield True, tree
