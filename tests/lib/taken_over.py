"""A process that another one traces and has make system calls: what code could do there that
came in by a mistake of a library's.  The calls are the process's own, so its filter and its
sandbox hold for them.  On x86-64 alone, for its registers.

    with TakenOver(pid) as it:
        fd = it.call("openat", AT_FDCWD, b"/etc/passwd", 0)     # OSError if that is refused
"""
import ctypes
import os
import platform
import time
from signal import SIGTRAP

HERE = platform.machine() == "x86_64"
AT_FDCWD = 2 ** 64 - 100
NUMBER = {"read": 0, "socket": 41, "connect": 42, "execve": 59, "kill": 62, "keyctl": 250, "openat": 257}
CONT, SINGLESTEP, GETREGS, SETREGS, DETACH, SEIZE, INTERRUPT = 7, 9, 12, 13, 17, 0x4206, 0x4207
WALL = 0x40000000
BELOW = 8192         # of the stack: further down than whatever is in use
SYSCALL = b"\x0f\x05"
TRIES = 500          # until it waits for something
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in
                ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base "
                 "gs_base ds es fs gs").split()]


class TakenOver:
    """PermissionError: it cannot be traced."""

    def __init__(self, pid):
        self.pid, self.before = pid, Registers()

    def trace(self, how, data=None):
        if libc.ptrace(how, self.pid, None, data) == -1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def __enter__(self):
        self.trace(SEIZE)
        for _ in range(TRIES):
            self.trace(INTERRUPT)
            os.waitpid(self.pid, WALL)
            self.trace(GETREGS, ctypes.byref(self.before))
            if self.bytes_at(self.before.rip - len(SYSCALL), len(SYSCALL)) == SYSCALL:
                return self
            self.trace(CONT)
            time.sleep(0.01)
        raise TimeoutError("it does not wait in a system call")

    def __exit__(self, *_):
        # What it waited in goes on.
        self.trace(SETREGS, ctypes.byref(self.before))
        self.trace(DETACH)

    def place(self, args):
        """The arguments as numbers: bytes are put into its memory, with a NUL, and come as their address."""
        at, numbers = self.before.rsp - BELOW, []
        with open(f"/proc/{self.pid}/mem", "r+b", buffering=0) as mem:
            for value in args:
                if isinstance(value, bytes):
                    os.pwrite(mem.fileno(), value + b"\0", at)
                    numbers.append(at)
                    at += len(value) + 1
                else:
                    numbers.append(value)
        return numbers + [0] * (6 - len(numbers))

    def call(self, name, *args):
        now = Registers.from_buffer_copy(self.before)
        now.rdi, now.rsi, now.rdx, now.r10, now.r8, now.r9 = self.place(args)
        now.rax, now.orig_rax, now.rip = NUMBER[name], 2 ** 64 - 1, self.before.rip - len(SYSCALL)
        self.trace(SETREGS, ctypes.byref(now))
        self.trace(SINGLESTEP)
        status = os.waitpid(self.pid, WALL)[1]
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == SIGTRAP, status
        self.trace(GETREGS, ctypes.byref(now))
        result = ctypes.c_int64(now.rax).value
        if -4096 < result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def bytes_at(self, address, n):
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as mem:
            return os.pread(mem.fileno(), n, address)

    @property
    def room(self):
        """Where what a call gives can be put."""
        return self.before.rsp - 2 * BELOW
