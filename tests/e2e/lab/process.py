"""Programs that the laboratory starts, each known and ended by its own process id."""

import ctypes
import os
import signal
import subprocess
import time

from . import cleanup

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _end_with_parent():
    # Also covers a run that is killed outright: its children get SIGTERM. Holds across execve.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def poll(condition, timeout=10.0, interval=0.02, what="the condition"):
    """Waits until `condition()` is true and returns its value; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)


class Process:
    """A background program with its output in a file. Start it from the main thread only: the signal at
    the parent's death is bound to the thread that forked."""

    def __init__(self, name, command, log, namespace=None, pass_fds=(), **environment):
        """`environment`: variables besides those of this process."""
        self.name = name
        self.log = log
        prefix = ["ip", "netns", "exec", namespace.name] if namespace else []
        with open(log, "ab") as output:
            self._popen = subprocess.Popen(
                [*prefix, *map(str, command)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_end_with_parent, pass_fds=pass_fds,
                env={**os.environ, **{key: str(value) for key, value in environment.items()}})
        self._undo = cleanup.on_exit(self.kill)

    @property
    def pid(self):
        return self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def output(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=12):
        return "\n".join(f"    {self.name}: {line}" for line in self.output().splitlines()[-lines:])

    def wait(self, timeout=10.0):
        """The exit status; negative: ended by that signal."""
        try:
            status = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end within {timeout:g} s\n{self.tail()}") from None
        cleanup.done(self._undo)
        return status

    def signal(self, number):
        if self.running():
            self._popen.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self, timeout=10.0):
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)


def run(command, namespace=None, timeout=30.0, text=True, check=False):
    """Runs a program to its end; a CompletedProcess with its output."""
    prefix = ["ip", "netns", "exec", namespace.name] if namespace else []
    return subprocess.run([*prefix, *map(str, command)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=text, timeout=timeout, check=check)
