"""Scheduling of threads that compute: they let others go first on the processors that they share.

What lives here: how Linux is asked for that. The gateway, and an editor on the same machine, work for tenths of a
millisecond at a time. The threads of a model work for as long as there is something to write, and without this they
keep a processor until their time slice is over: for up to 5 ms a token that is there is not sent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct

# The longest time slice that Linux grants. A thread with shorter ones, as all have by default, may interrupt it.
SLICE_NS = 100_000_000
SYSTEM_CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # numbers of sched_setattr
# `struct sched_attr` of sched_setattr(2): size, policy, flags, nice, priority, runtime, deadline, period.
ATTRIBUTES = struct.Struct("=IIQiIQQQ")


def give_way() -> None:
    """Let the calling thread, and those that it starts, give way to whatever else wakes up from now on.

    They get no less time than others that compute. Does nothing where the system cannot do it: before Linux 6.12 all
    time slices have one length, and other systems have no batch policy.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    with contextlib.suppress(OSError):
        # Batch: waking up interrupts nobody.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    number = SYSTEM_CALLS.get(platform.machine())
    if number is not None:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = ATTRIBUTES.pack(ATTRIBUTES.size, os.SCHED_BATCH, 0, nice, 0, SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, wanted, 0)
