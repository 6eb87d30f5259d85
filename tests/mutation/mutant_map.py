"""The file that mutant.h's programs share (its layout is there)."""
import mmap
import struct

SIZE = 65536  # bytes: MUTANT_MAP_SIZE
FIRST = 4


class MutantMap:
    def __init__(self, path):
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), SIZE)

    @staticmethod
    def make(path):
        path.write_bytes(bytes(SIZE))
        path.chmod(0o600)
        return MutantMap(path)

    def choose(self, number):
        """Negate this condition from now on; 0: none."""
        self.map[:FIRST] = struct.pack("=I", number)

    def forget(self):
        self.map[FIRST:] = bytes(SIZE - FIRST)

    def asked(self):
        """The numbers of the conditions that were asked since forget()."""
        return [i for i, byte in enumerate(self.map[FIRST:]) if byte]
