"""The pages for developers: files and directories that they name exist."""

import re
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_PAGES = ("CONTRIBUTING.md", "dataplane/README.md", "control/README.md")
# A path in a code span, or in a block of four blanks: two names at least, of which the last may lack its extension.
_PATH = re.compile(r"(?<![\w./*:<>{-])(?:[a-z][a-z0-9_]*/)+[a-z][a-z0-9_]*(?:\.[a-z0-9]+)*(?![\w/*{-])")
_FIRST = ("base", "rpc", "proto", "match", "rules", "flow", "inspect", "engine", "replay", "storage", "formats",
          "lists", "intake", "publish", "updates", "proof", "api", "metrics", "daemon", "ctl", "dataplane", "control",
          "config", "deploy", "tests")


def code_of(page):
    for line in page.splitlines():
        if line.startswith("    "):
            yield line
        else:
            yield from re.findall(r"`([^`]+)`", line)


def exists(path):
    return any((root / name).exists() for root in (_ROOT, _ROOT / "dataplane", _ROOT / "control")
               for name in (path, f"{path}.h", f"{path}.cpp"))


class Paths(unittest.TestCase):
    def test_files_named_for_developers_exist(self):
        for page in _PAGES:
            named = {path for text in code_of((_ROOT / page).read_text()) for path in _PATH.findall(text)
                     if path.split("/")[0] in _FIRST}
            self.assertGreater(len(named), 10, page)
            self.assertEqual(sorted(path for path in named if not exists(path)), [], page)
