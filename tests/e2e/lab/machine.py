"""A machine to install on: this one's files under an overlay, so that nothing that is done there stays."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from . import cleanup
from .process import Process, run

# Not that of directories which are removed with all that is in them: below this one lies /dev.
_PREFIX = "weir-machine-"


def unmount(top):
    for name in ("root/sys", "root/dev", "root/run", "root/proc", "root", "."):
        subprocess.run(["umount", "--lazy", top / name], check=False, capture_output=True)
    os.rmdir(top)


class Machine:
    """A root directory of its own; its /run is empty, as behind a start."""

    def __init__(self):
        for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            if not Path("/proc", left.name.removeprefix(_PREFIX).split("-")[0]).exists():
                unmount(left)
        self._top = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self._undo = cleanup.on_exit(self.delete)
        self.root = self._top / "root"
        self._mount("-t", "tmpfs", "tmpfs", self._top)
        for name in ("upper", "work", "root"):
            (self._top / name).mkdir()
        self._mount("-t", "overlay", "overlay", "-o",
                    f"lowerdir=/,upperdir={self._top}/upper,workdir={self._top}/work", self.root)
        self._mount("-t", "proc", "proc", self.root / "proc")
        self._mount("-t", "tmpfs", "tmpfs", self.root / "run")
        for name in ("dev", "sys"):
            self._mount("--rbind", f"/{name}", self.root / name)
            # Else taking it away here would take away what lies below it on this machine.
            self._mount("--make-rslave", self.root / name)
        # No service of a package starts here.
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)

    @staticmethod
    def _mount(*arguments):
        subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)

    def run(self, *command, timeout=120.0, namespace=None):
        return run(["chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", *command], namespace, timeout)

    def start_unit(self, unit, log, namespace):
        """What systemd would start: the unit's command, as its user, with its groups and capabilities."""
        text = (self.root / "lib/systemd/system" / unit).read_text()

        def value(key, default=""):
            found = re.findall(rf"(?m)^{key}=(.*)$", text)
            return found[-1] if found else default

        capabilities = [f"+{name.removeprefix('CAP_').lower()}" for name in value("AmbientCapabilities").split()]
        groups = [value("Group"), *value("SupplementaryGroups").split()]
        command = ["chroot", self.root, "setpriv", f"--reuid={value('User')}", f"--regid={value('Group')}",
                   f"--groups={','.join(str(self.group(name)) for name in groups)}", "--no-new-privs",
                   f"--inh-caps={','.join(['-all', *capabilities])}", f"--ambient-caps={','.join(['-all', *capabilities])}",
                   f"--bounding-set={','.join(['-all', *capabilities])}", *value("ExecStart").split()]
        return Process(unit, command, log, namespace)

    def group(self, name):
        entry = re.search(rf"(?m)^{name}:[^:]*:(\d+):", (self.root / "etc/group").read_text())
        return int(entry[1])

    def delete(self):
        unmount(self._top)
        cleanup.done(self._undo)
