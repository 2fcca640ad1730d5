"""Keeps one server running for as long as somebody holds its lock, and stops it cleanly once nobody does.

Run as a script by `bot.store.embedded`, by a bare interpreter, so that it is small. A process that is killed leaves its
lock like one that ends: nothing is left running, and nobody has to notice. If the keeper itself is killed, the kernel
stops the server. A server that falls over is started again.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time

_PATIENCE_S = 20  # for a clean stop; then the server is stopped the hard way
_QUICK_S = 5  # a server that ends sooner than this has a reason to
_QUICK_ENDS_MAX = 5
_PR_SET_PDEATHSIG = 1


def keep(order: dict[str, object], kept: int) -> int:
    """Run the server of `order` until nobody holds `users`. The lock of `kept` says that we are here."""
    stop_with = int(str(order["stop_with"]))
    users = os.open(str(order["users"]), os.O_RDWR)
    guard, unused, quick_ends = threading.Lock(), threading.Event(), 0
    server: subprocess.Popen[bytes] | None = None

    def watch() -> None:
        fcntl.flock(users, fcntl.LOCK_EX)  # waits until the last has left; from here a newcomer waits for us to be gone
        with guard:
            unused.set()
            if server is not None and server.poll() is None:
                server.send_signal(stop_with)
        time.sleep(_PATIENCE_S)
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT)

    threading.Thread(target=watch, daemon=True).start()
    while quick_ends < _QUICK_ENDS_MAX:
        with guard:
            if unused.is_set():
                break
            server = _start(order, stop_with)
        began = time.monotonic()
        server.wait()
        if unused.is_set():
            break
        quick_ends = quick_ends + 1 if time.monotonic() - began < _QUICK_S else 0
        time.sleep(0.2)  # what the fallen one left behind ends first
    with contextlib.suppress(OSError):
        os.rmdir(str(order["sockets"]))  # noqa: PTH106 - pathlib would triple what we import
    os.close(kept)  # before `users`: whoever gets that lock finds us gone
    return 0 if unused.is_set() else 1


def _start(order: dict[str, object], stop_with: int) -> "subprocess.Popen[bytes]":
    argv, user, group = order["argv"], order["user"], order["group"]
    assert isinstance(argv, list)
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_the_keeper() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, stop_with)  # after the change of user, which would clear it

    return subprocess.Popen(  # noqa: S603 - our own order
        argv,
        cwd=str(order["folder"]),
        user=user if isinstance(user, int) else None,
        group=group if isinstance(group, int) else None,
        extra_groups=[] if isinstance(user, int) else None,
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_the_keeper,  # noqa: PLW1509 - the one other thread only waits for a lock
    )


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # the keeper is nobody's child: whoever started it may leave first
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: None)  # we stop when the last user leaves, and not before
    sys.exit(keep(json.loads(sys.argv[1]), int(sys.argv[2])))
