"""The Debian packages: built, installed on a machine without Weir, started, upgraded, removed."""

import json
import os
import re
import unittest
from pathlib import Path

from lab import cleanup
from lab.case import programs
from lab.machine import Machine
from lab.network import Wire
from lab.process import poll, run
from lab.web import Browser, Origin

_ROOT = Path(__file__).resolve().parents[4]
_PACKAGES = ("weir-dataplane", "weir-control", "weirctl")
# One line more than a machine with network cards for DPDK and huge pages needs.
_CONFIGURATION = """\
dataplane: {{ports: [{{name: subscriber, role: subscriber, device: "net_af_packet0,iface=sub0,blocksz=65536,framecnt=512"}}, \
{{name: network, role: network, device: "net_af_packet1,iface=net0,blocksz=65536,framecnt=512"}}], workers: [{cpu}],
  eal: ["--no-pci", "--no-huge", "-m", "512"]}}
lists: [{{name: hotline, url: "file:///etc/weir/list.txt", guards: {{max_growth_percent: 0}}}}, {{name: local, type: manual}}]
control: {{roles: {{read: [weir]}}}}
"""


def build(output, version):
    # Without the debug packages, whose compression takes longer than everything else.
    done = run(["env", "DEB_BUILD_OPTIONS=noautodbgsym", _ROOT / "deploy/package.sh", "--build", programs().parent, "--output", output, "--version", version],
               timeout=300)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return {name: next(output.glob(f"{name}_*.deb")) for name in _PACKAGES}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cleanup.run_directory()
        cls.debs = build(cls.directory / "old", "0.1.0")
        cls.newer = build(cls.directory / "new", "0.1.1")

    def test_lintian_finds_no_errors(self):
        done = run(["lintian", "--fail-on", "error,warning", "--allow-root", *self.debs.values()], timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_built_twice_they_are_the_same(self):
        again = build(self.directory / "again", "0.1.0")
        for name in _PACKAGES:
            self.assertEqual(self.debs[name].read_bytes(), again[name].read_bytes(), name)

    def test_contents(self):
        wanted = {
            "weir-dataplane": ["usr/sbin/weir-dataplane", "lib/systemd/system/weir-dataplane.service",
                               "lib/systemd/system/weir.service", "usr/share/man/man8/weir-dataplane.8.gz",
                               "usr/libexec/weir/check-host", "etc/default/weir"],
            "weir-control": ["usr/sbin/weir-control", "lib/systemd/system/weir-control.service",
                             "usr/share/man/man8/weir-control.8.gz", "usr/share/doc/weir-control/runbook.md",
                             "usr/share/doc/weir-control/examples/prometheus/weir.rules.yml"],
            "weirctl": ["usr/bin/weirctl", "usr/bin/weir-replay", "usr/share/man/man1/weirctl.1.gz",
                        "usr/share/man/man1/weir-replay.1.gz", "usr/share/man/man5/weir.yaml.5.gz",
                        "usr/share/bash-completion/completions/weirctl"],
        }
        for name, files in wanted.items():
            listing = run(["dpkg-deb", "--contents", self.debs[name]]).stdout
            for file in files:
                # The runbook is where the alerts' links lead: never compressed.
                self.assertRegex(listing, rf"(?m) \./{re.escape(file)}$", name)

    def test_installed_started_upgraded_removed(self):
        machine, wire, browser = self.laboratory()

        self.apt(machine, "install", *self.copies(machine, self.debs))
        self.assertEqual(machine.run("weirctl", "--version").returncode, 0)
        self.configure(machine)
        for program in ("weir-dataplane", "weir-control"):
            done = machine.run(program, "--check-config")
            self.assertEqual(done.returncode, 0, done.stderr)
        # What systemd-tmpfiles does at each boot.
        self.assertEqual(machine.run("systemd-tmpfiles", "--create", "--prefix=/run/weir").returncode, 0)
        services = self.start(machine, wire)

        self.assertEqual(browser.get("http://news.test/").status, 200)
        self.assertEqual(browser.get("http://news.test/forbidden").status, 451)
        self.assertEqual(browser.get("https://listed.test/").exit_code, 35)
        self.assert_apart(machine, services)

        self.apt(machine, "install", *self.copies(machine, self.newer))
        self.assertIn("0.1.1", machine.run("dpkg-query", "-W", "-f=${Version}", "weir-dataplane").stdout)
        self.assertTrue(all(service.running() for service in services))
        self.assertEqual(browser.get("http://news.test/forbidden").status, 451)

        self.assertEqual([service.stop() for service in reversed(services)], [0, 0])
        self.assertEqual(list((machine.root / "run/weir").glob("*.sock")), [])
        # The wire comes back by itself, with the last list, without a control daemon.
        services = [machine.start_unit("weir-dataplane.service", self.directory / "again.log", wire.edge)]
        poll(lambda: browser.get("http://news.test/forbidden").status == 451, 20, what="it filters again")
        services[0].stop()

        self.apt(machine, "remove", *_PACKAGES)
        self.assertFalse((machine.root / "usr/sbin/weir-dataplane").exists())
        self.assertTrue((machine.root / "var/lib/weir/audit.jsonl").exists())
        self.apt(machine, "purge", *_PACKAGES)
        self.assertFalse((machine.root / "var/lib/weir").exists())
        self.assertTrue((machine.root / "etc/weir/weir.yaml").exists(), "the operator's")
        left = machine.run("dpkg-query", "-l", "weir*").stdout
        self.assertNotRegex(left, r"(?m)^(ii|rc) +weir")

    def test_as_systemd_runs_them(self):
        """`systemctl start weir` under a separate systemd: users, sandbox, notification, restart, stop."""
        machine, wire, browser = self.laboratory()
        self.apt(machine, "install", *self.copies(machine, self.debs))
        self.configure(machine)
        systemd = machine.boot("basic.target", self.directory / "systemd.log", wire.edge)
        if not systemd:
            self.skipTest("no systemd can be booted here")
        self.addCleanup(systemd.kill)

        def systemctl(*words):
            done = machine.within("systemctl", "--no-pager", *words)
            return done.stdout + done.stderr

        poll(lambda: machine.within("systemctl", "is-active", "basic.target").returncode == 0, 60, 0.5, what="it is booted")
        self.assertEqual(systemctl("start", "weir"), "")
        poll(lambda: machine.within("weirctl", "status").returncode == 0, 60, 0.5, what="weirctl status says that all is well")
        for unit in ("weir-dataplane", "weir-control"):
            self.assertEqual(systemctl("is-active", unit), "active\n")
            self.assertEqual(systemctl("show", "-P", "NRestarts", unit), "0\n")
        self.assertEqual(browser.get("http://news.test/").status, 200)
        self.assertEqual(browser.get("http://news.test/forbidden").status, 451)
        journal = machine.within("journalctl", "--no-pager", "--output=json", "--unit=weir-dataplane").stdout.splitlines()
        messages = [json.loads(line) for line in journal]
        self.assertIn(("4", "W106"), {(each["PRIORITY"], each["MESSAGE"][:4]) for each in messages})
        self.assertTrue(any(each["MESSAGE"].startswith("check-host: ") for each in messages))

        # The wire restarts with the list from disk, which it can read only with the rights that it has at the start.
        systemctl("stop", "weir-control")
        self.assertEqual(systemctl("restart", "weir-dataplane"), "")
        poll(lambda: browser.get("http://news.test/forbidden").status == 451, 20, what="it filters again")
        self.assertEqual(systemctl("stop", "weir"), "")
        for unit in ("weir-dataplane", "weir-control"):
            self.assertEqual(systemctl("show", "-P", "Result", unit), "success\n")

    def laboratory(self):
        """A machine to install on, and a wire through it."""
        machine = Machine()
        self.addCleanup(machine.delete)
        wire = Wire()
        self.addCleanup(wire.delete)
        origin = Origin(wire.origin, cleanup.run_directory())
        self.addCleanup(origin.process.stop)
        return machine, wire, Browser(wire.client, origin.ca_file)

    def configure(self, machine):
        (machine.root / "etc/weir/list.txt").write_text("news.test/forbidden\nlisted.test\n")
        (machine.root / "etc/weir/weir.yaml").write_text(_CONFIGURATION.format(cpu=max(os.sched_getaffinity(0))))

    def copies(self, machine, debs):
        directory = machine.root / "debs"
        directory.mkdir(exist_ok=True)
        for deb in debs.values():
            (directory / deb.name).write_bytes(deb.read_bytes())
        return [f"/debs/{deb.name}" for deb in debs.values()]

    def apt(self, machine, *arguments):
        done = machine.run("apt-get", "--yes", "--quiet", "--no-install-recommends", *arguments, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def start(self, machine, wire):
        services = [machine.start_unit(f"{name}.service", self.directory / f"installed-{name}.log", wire.edge)
                    for name in ("weir-dataplane", "weir-control")]
        for service in services:
            self.addCleanup(service.stop)

        def healthy():
            for service in services:
                if not service.running():
                    raise AssertionError(f"{service.name} has ended\n{service.tail()}")
            return machine.run("weirctl", "status").returncode == 0

        poll(healthy, 30, 0.3, what="weirctl status says that all is well")
        return services

    def assert_apart(self, machine, services):
        """Two users, neither with more rights than it needs. Nobody else can read the list."""
        for service, user in zip(services, ("weir-dataplane", "weir-control")):
            status = Path(f"/proc/{service.pid}/status").read_text()
            uid = int(re.search(r"(?m)^Uid:\s+(\d+)", status)[1])
            self.assertRegex((machine.root / "etc/passwd").read_text(), rf"(?m)^{user}:[^:]*:{uid}:")
            # CAP_NET_ADMIN stays for ports that are kernel interfaces.
            kept = int(re.search(r"(?m)^CapEff:\s+(\w+)", status)[1], 16)
            self.assertEqual(kept, 1 << 12 if user == "weir-dataplane" else 0)
        for reader in ("nobody", "weir-dataplane"):
            done = machine.run("setpriv", f"--reuid={reader}", "--clear-groups", "ls", "/var/lib/weir")
            self.assertNotEqual(done.returncode, 0, reader)
        done = machine.run("setpriv", "--reuid=nobody", "--clear-groups", "weirctl", "status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("role", done.stderr + done.stdout)
        looks = machine.run("setpriv", "--reuid=nobody", f"--groups={machine.group('weir')}", "weirctl", "status")
        self.assertEqual(looks.returncode, 0, looks.stderr)
