"""The Ansible role: what Ansible and its linter say of it, and a run that must change nothing."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

_DIRECTORY = Path(__file__).resolve().parents[3] / "deploy/ansible"
_SETTINGS = {"weir_configuration": {
    "dataplane": {"ports": [{"name": "subscriber", "device": "0000:81:00.0", "role": "subscriber"},
                            {"name": "network", "device": "0000:81:00.1", "role": "network"}]},
    "lists": [{"name": "local", "type": "manual"}]}}


class Role(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home = Path(directory.name)
        (self.home / "inventory").write_text("[weir]\nlocalhost ansible_connection=local ansible_become=false\n")

    def run_here(self, *command):
        return subprocess.run([*map(str, command)], cwd=_DIRECTORY, capture_output=True, text=True, check=False,
                              env={**os.environ, "HOME": str(self.home), "ANSIBLE_ROLES_PATH": "roles", "NO_COLOR": "1",
                                   "ANSIBLE_LOCAL_TEMP": str(self.home / "local"),
                                   "ANSIBLE_REMOTE_TEMP": str(self.home / "remote")})

    def test_syntax(self):
        done = self.run_here("ansible-playbook", "-i", self.home / "inventory", "--syntax-check", "site.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_linter_finds_nothing(self):
        done = self.run_here("ansible-lint", "--offline", "--nocolor", "site.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_check_mode_says_what_it_would_do(self):
        for name in ("weir-dataplane", "weir-control", "weirctl"):
            (self.home / f"{name}_0.2.0_amd64.deb").write_text("")
        there = Path("/etc/weir/weir.yaml").exists()
        done = self.run_here("ansible-playbook", "-i", self.home / "inventory", "--check", "--diff", "-e",
                             json.dumps({**_SETTINGS, "weir_packages": str(self.home)}), "site.yml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("+  - device: 0000:81:00.0\n", done.stdout)
        self.assertRegex(done.stdout, r"failed=0")
        self.assertEqual(Path("/etc/weir/weir.yaml").exists(), there)

    def test_without_ports_it_refuses(self):
        done = self.run_here("ansible-playbook", "-i", self.home / "inventory", "--check", "site.yml")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("has no dataplane.ports", done.stdout)
