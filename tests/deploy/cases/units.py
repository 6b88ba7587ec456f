"""systemd units, users, directories, and the scripts that prepare a machine."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_SYSTEMD = _ROOT / "deploy/systemd"
_LIBEXEC = _ROOT / "deploy/libexec"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


class Units(unittest.TestCase):
    # The most exposure that `systemd-analyze security` may find. The dataplane needs devices, raw sockets and, until its
    # ports are open, five capabilities; without AF_XDP and machines without an IOMMU it could do with less.
    _MOST = {"weir-control.service": 3.0, "weir-dataplane.service": 3.0}

    def test_exposure(self):
        for unit, most in self._MOST.items():
            done = run("systemd-analyze", "security", "--offline=true", "--no-pager", _SYSTEMD / unit)
            level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
            self.assertIsNotNone(level, done.stderr)
            self.assertLessEqual(float(level[1]), most, unit)

    def test_systemd_finds_nothing_wrong(self):
        """Nothing but that the programs are not installed here."""
        with tempfile.TemporaryDirectory() as directory:
            for unit in _SYSTEMD.glob("*.service"):
                shutil.copy(unit, Path(directory, unit.name.replace("@.", "@0000-81-00.0.")))
            units = sorted(Path(directory).iterdir())
            self.assertEqual(len(units), 5)
            done = run("systemd-analyze", "verify", "--man=no", *units)
        missing = re.compile(r"\S+: Command /usr/(sbin|libexec/weir)/\S+ is not executable: No such file or directory")
        self.assertEqual([line for line in done.stderr.splitlines() if not missing.fullmatch(line)], [])

    def test_what_notifies_says_so(self):
        for name in ("weir-dataplane", "weir-control"):
            text = (_SYSTEMD / f"{name}.service").read_text()
            for line in ("Type=notify", "Restart=always", "StartLimitIntervalSec=0", f"ExecStart=/usr/sbin/{name}"):
                self.assertIn(f"\n{line}\n", text)
            self.assertRegex(text, r"\nWatchdogSec=\d+s\n")

    def test_users_and_directories(self):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "etc").mkdir()
            done = run("systemd-sysusers", f"--root={root}", *_SYSTEMD.glob("*.sysusers"))
            self.assertEqual(done.returncode, 0, done.stderr)
            users = (Path(root) / "etc/passwd").read_text()
            groups = (Path(root) / "etc/group").read_text()
            for name in ("weir-dataplane", "weir-control"):
                self.assertRegex(users, rf"(?m)^{name}:.*:/usr/sbin/nologin$")
            self.assertRegex(groups, r"(?m)^weir-dataplane:x:\d+:weir-control$")
            self.assertRegex(groups, r"(?m)^weir:x:\d+:$")
            if run("id", "-u").stdout.strip() != "0":
                self.skipTest("directories of other users need root")
            done = run("systemd-tmpfiles", f"--root={root}", "--create", *_SYSTEMD.glob("*.tmpfiles"))
            self.assertEqual(done.returncode, 0, done.stderr)
            modes = {path: oct((Path(root) / path).stat().st_mode)[-4:]
                     for path in ("run/weir", "var/lib/weir", "var/lib/weir/snapshots", "etc/weir")}
            self.assertEqual(modes, {"run/weir": "1775", "var/lib/weir": "0700", "var/lib/weir/snapshots": "0750",
                                     "etc/weir": "0755"})


class Machine(unittest.TestCase):
    """A tree in place of / with what the scripts read of a machine."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)

    def write(self, **files):
        for path, text in files.items():
            file = self.root / path.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def good_machine(self):
        self.write(proc__7__task__7__comm="weir-dataplane\n", proc__7__task__7__status="Cpus_allowed_list:\t0\n",
                   proc__7__task__8__comm="rte-worker-3\n", proc__7__task__8__status="Cpus_allowed_list:\t3\n",
                   proc__meminfo="HugePages_Total:     512\n", sys__devices__system__cpu__isolated="2-4,7\n",
                   sys__devices__system__cpu__nohz_full="2-4\n",
                   sys__devices__system__cpu__cpu3__cpufreq__scaling_governor="performance\n",
                   sys__devices__system__clocksource__clocksource0__current_clocksource="tsc\n")

    def check(self):
        done = run(_LIBEXEC / "check-host", "--root", self.root, "7")
        return done.returncode, done.stdout.splitlines()

    def test_check_host_has_nothing_to_say_of_a_good_machine(self):
        self.good_machine()
        self.assertEqual(self.check(), (0, []))

    def test_check_host_names_what_costs_time(self):
        faults = {
            "is not isolated": {"sys__devices__system__cpu__isolated": "2,4-7\n"},
            "has the timer tick": {"sys__devices__system__cpu__nohz_full": " (null)\n"},
            "changes its clock (powersave)":
                {"sys__devices__system__cpu__cpu3__cpufreq__scaling_governor": "powersave\n"},
            "pinned to one": {"proc__7__task__8__status": "Cpus_allowed_list:\t0-3\n"},
            "no huge pages": {"proc__meminfo": "HugePages_Total:       0\n"},
            "clock source is not tsc":
                {"sys__devices__system__clocksource__clocksource0__current_clocksource": "hpet\n"},
            "has no worker thread": {"proc__7__task__8__comm": "other\n"},
        }
        for text, files in faults.items():
            with self.subTest(text):
                self.good_machine()
                self.write(**files)
                status, lines = self.check()
                self.assertEqual((status, len(lines)), (1, 1), lines)
                self.assertIn(text, lines[0])

    def test_check_host_without_a_process_is_wrong_usage(self):
        self.assertEqual(run(_LIBEXEC / "check-host", "--root", self.root, "7").returncode, 2)

    def hugepages(self, wanted):
        return run(_LIBEXEC / "hugepages", "--root", self.root, env={"WEIR_HUGEPAGES": wanted, "PATH": "/usr/bin:/bin"})

    def test_hugepages_are_set_on_each_node_and_never_made_fewer(self):
        file = "sys__devices__system__node__node{}__hugepages__hugepages-2048kB__nr_hugepages"
        self.write(**{file.format(0): "0\n", file.format(1): "2048\n"})
        self.assertEqual(self.hugepages("512").returncode, 0)
        values = [(self.root / file.format(node).replace("__", "/")).read_text() for node in (0, 1)]
        self.assertEqual(values, ["512\n", "2048\n"])

    def test_hugepages_without_numa(self):
        self.write(**{"sys__kernel__mm__hugepages__hugepages-2048kB__nr_hugepages": "1\n"})
        self.assertEqual(self.hugepages("4").returncode, 0)
        self.assertEqual((self.root / "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages").read_text(), "4\n")

    def test_hugepages_says_what_is_wrong(self):
        self.assertEqual(self.hugepages("4").returncode, 1)
        self.assertEqual(self.hugepages("many").returncode, 2)
