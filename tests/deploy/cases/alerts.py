"""The alert rules, their runbook and the dashboard, as files; tests/e2e/cases/service/monitoring.py runs them for real."""

import json
import re
import subprocess
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_RULES = _ROOT / "deploy/prometheus/weir.rules.yml"
_TESTS = _ROOT / "tests/deploy/alerts.yml"


def promtool(*arguments, directory=_ROOT):
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=directory,
                          check=False)


def rule_names():
    return re.findall(r"^ +- alert: (\w+)$", _RULES.read_text(), re.M)


class Alerts(unittest.TestCase):
    def test_promtool_finds_nothing_wrong(self):
        for arguments in (("check", "rules", _RULES), ("check", "config", _ROOT / "deploy/prometheus/prometheus.yml")):
            done = promtool(*arguments)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_fires_and_clears(self):
        done = promtool("test", "rules", _TESTS.name, directory=_TESTS.parent)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_has_a_test(self):
        tested = re.findall(r"^  - name: (\w+)$", _TESTS.read_text(), re.M)
        self.assertEqual(sorted(tested), sorted(rule_names()))
        for name in tested:
            self.assertIn(f'alertname="{name}"', _TESTS.read_text())

    def test_each_leads_to_its_section_of_the_runbook(self):
        sections = re.findall(r"^## (Weir\w+)$", (_ROOT / "deploy/docs/runbook.md").read_text(), re.M)
        self.assertEqual(sorted(sections), sorted(rule_names()))
        anchors = re.findall(r"runbook_url: \S+#(\w+)$", _RULES.read_text(), re.M)
        self.assertEqual(anchors, [name.lower() for name in rule_names()])

    def test_severities(self):
        severities = re.findall(r"labels: \{severity: (\w+)\}", _RULES.read_text())
        self.assertEqual(len(severities), len(rule_names()))
        self.assertEqual(set(severities), {"critical", "warning"})


class Dashboard(unittest.TestCase):
    panels = json.loads((_ROOT / "deploy/grafana/dashboards/weir.json").read_text())["panels"]

    def test_panels_have_numbers_of_their_own(self):
        numbers = [panel["id"] for panel in self.panels]
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_panels_do_not_lie_on_one_another(self):
        taken = {}
        for panel in self.panels:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                         for y in range(place["y"], place["y"] + place["h"])):
                self.assertNotIn(cell, taken, f"{panel['title']} and {taken.get(cell)}")
                taken[cell] = panel["title"]

    def test_its_four_questions(self):
        rows = [panel["title"] for panel in self.panels if panel["type"] == "row"]
        self.assertEqual(rows, ["Is it filtering?", "Is the list fresh?", "Is it healthy?", "Is it near its limits?"])
