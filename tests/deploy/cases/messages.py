"""Log messages worth waking for: each has an id, each id is in the guide, and the journal is told the priority."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_BUILD = Path(os.environ.get("WEIR_DEPLOY_BUILD", _ROOT / "build/release"))


class Messages(unittest.TestCase):
    def sources(self):
        for directory in ("control", "dataplane/engine"):
            for file in (_ROOT / directory).rglob("*.cpp"):
                yield file.relative_to(_ROOT), file.read_text()

    def test_each_error_has_an_id(self):
        seen = 0
        for name, text in self.sources():
            for level, message in re.findall(r'spdlog::(error|critical)\(\s*"([^"]*)"', text):
                seen += 1
                self.assertRegex(message, r"^W\d{3}: ",
                                 f"{name}: begin the {level} with an id, and say in messages.md what to do about it")
            self.assertEqual(len(re.findall(r'spdlog::(?:error|critical)\(', text)),
                             len(re.findall(r'spdlog::(?:error|critical)\(\s*"', text)), f"{name}: a text that is no literal")
        self.assertGreater(seen, 10)

    def test_each_id_is_in_the_guide_and_in_the_code(self):
        used = {identity for _, text in self.sources() for identity in re.findall(r'"(W\d{3}): ', text)}
        documented = re.findall(r"(?m)^\| (W\d{3}) \|", (_ROOT / "deploy/docs/messages.md").read_text())
        self.assertEqual(len(documented), len(set(documented)))
        self.assertEqual(used, set(documented))

    def start(self, journal_stream):
        """What weir-control says that cannot start, its state directory being a file. `journal_stream`: of the file that
        its standard error is."""
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "state").write_text("")
            file = Path(directory) / "weir.yaml"
            file.write_text(json.dumps({"control": {
                "state_dir": f"{directory}/state", "socket": f"{directory}/socket", "metrics": {"listen": ""}}}))
            with open(Path(directory) / "stderr", "w+", encoding="utf-8") as output:
                done = subprocess.run([_BUILD / "bin/weir-control", "--config", file], stderr=output, check=False,
                                      env={**os.environ, "JOURNAL_STREAM": journal_stream(os.fstat(output.fileno()))})
                output.seek(0)
                text = output.read()
            self.assertEqual(done.returncode, 1, text)
            return text.splitlines()[-1]

    def test_the_journal_is_told_the_priority(self):
        self.assertRegex(self.start(lambda output: f"{output.st_dev}:{output.st_ino}"), r"^<3>W207: ")

    def test_elsewhere_time_and_program_are_told(self):
        """Also where a service's own standard error is the journal, as that of a machine that runs tests may be."""
        self.assertRegex(self.start(lambda output: f"{output.st_dev}:{output.st_ino + 1}"),
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d weir-control error W207: ")
