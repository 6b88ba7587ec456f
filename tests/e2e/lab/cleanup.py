"""What has to be undone at the end of a run, and what an interrupted earlier run left behind."""

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PREFIX = "weir-e2e"
RUN = f"{PREFIX}-{os.getpid()}"

_undo = []


def on_exit(action):
    """Calls `action()` at the end of the run, last registered first; returns it as a handle for `done`."""
    _undo.append(action)
    return action


def done(action):
    """`action` has been carried out already."""
    if action in _undo:
        _undo.remove(action)


def _undo_all():
    while _undo:
        action = _undo.pop()
        try:
            action()
        except Exception as error:  # one failure must not keep the rest from being undone
            print(f"clean-up: {error}", file=sys.stderr)


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM. A KeyboardInterrupt, because unittest takes every other exception for a failed case
    and goes on with the next one."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


def _interrupted(number, _frame):
    # A second signal must not cut the clean-up short.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Interrupted(number)


def install():
    """Cleans up at exit, at Ctrl-C and at SIGTERM; first removes what dead runs have left."""
    atexit.register(_undo_all)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    remove_leftovers()


def run_directory():
    """A fresh directory of this run, removed with it."""
    path = Path(tempfile.mkdtemp(prefix=f"{RUN}-"))
    on_exit(lambda: shutil.rmtree(path, ignore_errors=True))
    return path


def delete_namespace(name):
    """Ends whatever still runs in the namespace, then removes it."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def _owner_is_alive(pid):
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"e2e" in command  # a process id may have been given to somebody else since


def remove_leftovers():
    """Removes namespaces and directories of earlier runs whose process is no more."""
    pattern = re.compile(rf"{PREFIX}-(\d+)-")
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        name = line.split()[0]
        match = pattern.match(name)
        if match and not _owner_is_alive(match.group(1)):
            delete_namespace(name)
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        match = pattern.match(path.name)
        if match and not _owner_is_alive(match.group(1)):
            shutil.rmtree(path, ignore_errors=True)
