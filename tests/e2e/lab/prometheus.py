"""A real Prometheus that scrapes Weir each second, with the alert rules of deploy/ made quick."""

import json
import re
import urllib.parse
from pathlib import Path

from .process import Process, poll, run

_RULES = Path(__file__).resolve().parents[3] / "deploy" / "prometheus" / "weir.rules.yml"
WINDOW = "15s"


def quick(rules):
    """The same rules, without waiting: `for:` is a second, every range WINDOW."""
    rules = re.sub(r"^( +for:) \S+$", r"\1 1s", rules, flags=re.M)
    return re.sub(r"\[\d+[smhd]\]", f"[{WINDOW}]", rules)


class Prometheus:
    def __init__(self, namespace, directory, target="127.0.0.1:9477"):
        self._namespace = namespace
        home = directory / "prometheus"
        home.mkdir()
        (home / "rules.yml").write_text(quick(_RULES.read_text()))
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "weir", "static_configs": [{"targets": [target]}]}],
        }
        (home / "prometheus.yml").write_text(json.dumps(configuration))
        self.url = "http://127.0.0.1:9090"
        self.process = Process("prometheus", [
            "prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
            "--web.listen-address=127.0.0.1:9090", "--log.level=warn"], directory / "prometheus.log", namespace)
        poll(lambda: self._get("/-/ready") is not None, 20, what="prometheus is ready")

    def _get(self, path):
        done = run(["curl", "-q", "-sf", self.url + path], self._namespace)
        return done.stdout if done.returncode == 0 else None

    def query(self, expression):
        """The samples of an instant query: [({label: value}, number), ...]"""
        done = run(["curl", "-q", "-s", f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression})],
                   self._namespace)
        answer = json.loads(done.stdout)
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer['error']}")
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def firing(self):
        """The names of the alerts that fire."""
        data = json.loads(self._get("/api/v1/alerts"))["data"]
        return {alert["labels"]["alertname"] for alert in data["alerts"] if alert["state"] == "firing"}
