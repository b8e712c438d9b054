"""Turns into a command that the kernel ends as soon as its starter is gone: run by path, not imported.

    python tied.py SIGNAL PARENT USER COMMAND...

COMMAND starts with a full path; SIGNAL is what it gets when its starter ends (Linux), PARENT the starter's pid, USER
whom to become ("-": nobody else). A program of its own, as Python code between fork and exec of a process full of
threads may deadlock.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def become(name: str) -> None:
    """Give up root for good."""
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = "/"


def tie(number: int, parent: int) -> None:
    """Ask for the signal; exit at once if the parent is gone already. Must follow `become`, which undoes it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    number, parent, user, *command = sys.argv[1:]
    if user != "-":
        become(user)
    tie(int(number), int(parent))
    os.execv(command[0], command)  # a search in PATH would import, which the user may not be allowed to
