"""A machine to install on: this one's files under an overlay, so that nothing that is done there stays."""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from . import cleanup
from .process import Process, run

# Not that of directories which are removed with all that is in them: below this one lies /dev.
_PREFIX = "weir-machine-"

# In namespaces of its own: nothing of what systemd mounts, or takes for its own, is this machine's.
_BOOT = """
set -e
root=$1
mount --make-rprivate /
for name in sys dev run proc; do umount --lazy "$root/$name"; done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
for name in run dev tmp; do mount -t tmpfs tmpfs "$root/$name"; done
for name in null zero full random urandom tty; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
if mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd" 2>/dev/null; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
else
  umount "$root/sys/fs/cgroup"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
cd "$root"
pivot_root . mnt
umount --lazy /mnt
container=docker exec /lib/systemd/systemd --log-target=journal --unit="$2"
"""


def unmount(top):
    for name in ("root/sys", "root/dev", "root/run", "root/proc", "root", "."):
        subprocess.run(["umount", "--lazy", top / name], check=False, capture_output=True)
    os.rmdir(top)


class Machine:
    """A root directory of its own; its /run is empty, as after a start."""

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

    def boot(self, target, log, namespace):
        """systemd as the first process of this machine; None where the kernel or a container does not let it."""
        process = Process("systemd", ["unshare", "--fork", "--pid", "--mount", "--cgroup", "--kill-child", "bash", "-c", _BOOT,
                                      "boot", self.root, target], log, namespace)
        deadline = time.monotonic() + 20
        while process.running() and time.monotonic() < deadline:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
                self._first = children[0]
                return process
            time.sleep(0.1)
        process.kill()
        return None

    def within(self, *command, timeout=60.0):
        """Runs a command beside the systemd that was booted."""
        return run(["nsenter", f"--target={self._first}", "--mount", "--pid", "--net", "--cgroup", "--root", "--wd",
                    *command], timeout=timeout)

    def group(self, name):
        entry = re.search(rf"(?m)^{name}:[^:]*:(\d+):", (self.root / "etc/group").read_text())
        return int(entry[1])

    def delete(self):
        unmount(self._top)
        cleanup.done(self._undo)
