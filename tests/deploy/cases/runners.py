"""The runners of the tests: what a login has set on this machine makes no test fail."""

import os
import subprocess
import unittest
from pathlib import Path

import environment

_RUN = Path(__file__).resolve().parents[1] / "run"


class Runners(unittest.TestCase):
    def test_the_language_of_a_login_does_not_matter(self):
        """Ansible ends at once where it is not one of the machine's languages, or is no UTF-8."""
        for language in ("xx_XX.UTF-8", "C"):
            with self.subTest(language):
                done = subprocess.run([_RUN, "--build", os.environ["WEIR_DEPLOY_BUILD"], "ansible.syntax"], capture_output=True, text=True, check=False,
                                      env={**os.environ, "LANG": language, "LC_ALL": language})
                self.assertEqual((done.returncode, done.stdout), (0, "ok ansible.syntax\n"), done.stderr)

    def test_proxies_are_not_asked(self):
        settled = {"PATH": "/usr/bin", "https_proxy": "http://proxy.test:3128", "NO_PROXY": "", "LC_ALL": "xx_XX"}
        environment.settle(settled)
        self.assertEqual(settled, {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"})
