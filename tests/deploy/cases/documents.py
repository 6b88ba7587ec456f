"""The guide: links lead somewhere, commands, metrics and settings that it names exist."""

import re
import subprocess
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documents():
    # Whoever the clone belongs to: root does not own what a container has been given.
    listed = subprocess.run(["git", "-c", f"safe.directory={_ROOT}", "ls-files", "--cached", "--others",
                             "--exclude-standard", "*.md"], cwd=_ROOT, capture_output=True, text=True, check=True)
    return [_ROOT / name for name in listed.stdout.splitlines() if (_ROOT / name).exists()]


def anchors(file):
    """Of a file's headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```", "", file.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"(?m)^#+ (.*)$", text)}


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        dead = []
        for file in documents():
            for link in _LINK.findall(file.read_text()):
                path, _, anchor = link.partition("#")
                if "://" in path:
                    continue
                target = (file.parent / path).resolve() if path else file
                if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                    dead.append(f"{file.relative_to(_ROOT)}: {link}")
        self.assertEqual(dead, [])

    def test_the_index_has_every_page(self):
        index = (_ROOT / "deploy/docs/README.md").read_text()
        self.assertEqual([page.name for page in (_ROOT / "deploy/docs").glob("*.md")
                          if page.name != "README.md" and f"({page.name}" not in index], [])

    def guide(self):
        return {page: page.read_text() for page in
                [*sorted((_ROOT / "deploy/docs").glob("*.md")), _ROOT / "README.md", _ROOT / "deploy/ansible/README.md"]}

    def test_metrics_exist(self):
        code = "".join(file.read_text() for file in
                       [*(_ROOT / "control/metrics").glob("*.cpp"), _ROOT / "dataplane/counters/counters.h",
                        *(_ROOT / "dataplane/engine").rglob("counters_report.cpp")])
        exported = set(re.findall(r'"(weir_[a-z_]+)"', code))
        self.assertIn("weir_packets_total", exported)
        for page, text in self.guide().items():
            named = set(re.findall(r"\bweir_(?:[a-z]+_)*(?:total|seconds|up|success|generation|entries|flows|capacity|ratio)\b", text))
            self.assertLessEqual(named - {"weir_list_last_success"}, exported, page)

    def test_the_table_of_outcomes_has_each_of_them(self):
        code = (_ROOT / "dataplane/outcomes/outcome.h").read_text()
        outcomes = re.findall(r'\{Outcome::\w+,\s*"(\w+)"', code)
        self.assertIn("forward_passed", outcomes)
        operations = (_ROOT / "deploy/docs/operations.md").read_text()
        table = operations.partition("## Outcomes of packets")[2].partition("\n## ")[0]
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", table, re.M), outcomes)
        for file in (_ROOT / "deploy/prometheus/weir.rules.yml", *(_ROOT / "deploy/grafana/dashboards").glob("*.json")):
            for named in re.findall(r'outcome=~?\\?"([a-z_|]+)', file.read_text()):
                self.assertLessEqual(set(named.split("|")), set(outcomes), file)

    def test_commands_of_weirctl_exist(self):
        code = (_ROOT / "control/ctl/commands/commands.cpp").read_text()
        commands = set(re.findall(r'^ {4,5}\{?\.(?:name|alias) = "(\w+)",$', code, re.M))
        self.assertIn("selftest", commands)
        for page, text in self.guide().items():
            named = re.findall(r"(?:`|^    |&& )weirctl (?:--json |--socket \S+ )?([a-z]+)", text, re.M)
            self.assertLessEqual(set(named), commands, page)

    def test_settings_exist(self):
        settings = re.findall(r"^\| `([a-z0-9_.]+)` \|", (_ROOT / "config/reference.md").read_text(), re.M)
        no_settings = {"breaker.reset", "dataplane.sock", "control.sock"}
        for page, text in self.guide().items():
            named = set(re.findall(r"`((?:dataplane|control|flows|mbufs|guards|fail|breaker|fragments|block)\.[a-z0-9_]+"
                                   r"(?:\.[a-z0-9_]+)*)`", text))
            unknown = {name for name in named - no_settings
                       if not any(f".{name}." in f".{setting}." for setting in settings)}
            self.assertEqual(unknown, set(), page)
