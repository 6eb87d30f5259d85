"""The filter that the build has put into ccrun, out of the program's bytes, and what it says to
a system call: so that it can be asked about a machine that this one is not."""
import struct

INSTRUCTION = struct.Struct("<HBBI")
LOAD, JUMP, EQUAL, GREATER, NOT_LESS, ANY_BIT, AND, RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x54, 0x06
# What struct seccomp_data has the machine at, and what the kernel calls each.
MACHINE_AT = 4
MACHINES = {"x86_64": 0xC000003E, "i386": 0x40000003, "aarch64": 0xC00000B7, "arm": 0x40000028}
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


class Filter:
    def __init__(self, program):
        """It begins with: load the machine, compare it."""
        data, load = program.read_bytes(), INSTRUCTION.pack(LOAD, 0, 0, MACHINE_AT)
        at = data.find(load)
        while at >= 0 and not self.compares(data, at + INSTRUCTION.size):
            at = data.find(load, at + 1)
        assert at >= 0, f"no filter in {program}"
        self.data, self.start = data, at

    @staticmethod
    def compares(data, at):
        code, _, _, k = INSTRUCTION.unpack_from(data, at)
        return code == EQUAL and k in MACHINES.values()

    def says(self, machine, number, *arguments):
        """The error (errno) that a call gets; 0: it is allowed."""
        words = struct.pack("<IIQ6Q", number, MACHINES[machine], 0, *arguments, *[0] * (6 - len(arguments)))
        at = accumulator = 0
        while True:
            code, yes, no, k = INSTRUCTION.unpack_from(self.data, self.start + at * INSTRUCTION.size)
            at += 1
            if code == RETURN:
                assert k == ALLOW or k & 0xFFFF0000 == ERRNO, hex(k)
                return 0 if k == ALLOW else k & 0xFFFF
            if code == LOAD:
                accumulator = struct.unpack_from("<I", words, k)[0]
            elif code == AND:
                accumulator &= k
            elif code == JUMP:
                at += k
            else:
                holds = {EQUAL: accumulator == k, GREATER: accumulator > k, NOT_LESS: accumulator >= k,
                         ANY_BIT: bool(accumulator & k)}[code]
                at += yes if holds else no
