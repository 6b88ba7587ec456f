"""A real Prometheus watches a running Weir: its metrics, every query of the dashboard, and every alert whose fault can
be produced."""

import contextlib
import json
import os
import random
import shutil
import time
import urllib.parse
from pathlib import Path

from lab import frames
from lab.case import LabCase
from lab.chromium import Chromium
from lab.network import ORIGIN_V4
from lab.process import poll, run
from lab.prometheus import WINDOW, Prometheus
from lab.raw import RawPort
from lab.weir import RpcError

_DASHBOARD = Path(__file__).resolve().parents[4] / "deploy" / "grafana" / "dashboards" / "weir.json"
_WAIT = 40  # for an alert: a scrape, two evaluations, the window, on a loaded machine


def dashboard_queries():
    """Pairs (panel, query), with the variables that Grafana would fill in."""
    dashboard = json.loads(_DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], fill(target["expr"])
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], fill(annotation["expr"])


def fill(expression):
    return expression.replace("$__rate_interval", WINDOW).replace("$instance", ".*")


class MonitoringCase(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prometheus = Prometheus(cls.wire.edge, cls.directory)
        cls.addClassCleanup(cls.prometheus.process.stop)
        # Prometheus sees no increase before the second sample.
        poll(lambda: cls.prometheus.query("count_over_time(weir_dataplane_up[1m]) >= 3"), 20, 0.3, what="three scrapes")

    def setUp(self):
        self.assert_quiet()

    def assert_quiet(self):
        with contextlib.suppress(AssertionError):
            poll(lambda: not self.prometheus.firing(), _WAIT, 0.3)
        self.assertEqual(self.prometheus.firing(), set())

    @contextlib.contextmanager
    def fires(self, *names):
        """The block produces a fault. After it, these alerts fire, and no others."""
        yield
        poll(lambda: self.prometheus.firing() >= set(names), _WAIT, 0.3, what=f"{names} fire")
        self.assertEqual(self.prometheus.firing(), set(names))


class Monitoring(MonitoringCase):
    settings_options = {"breaker": {"action": "trip", "page_hits_per_second": 3, "clients": 1}, "latency_histogram": True}

    def visit_all(self):
        self.assert_passes("http://news.test/")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")

    def test_metrics_are_as_promtool_wants_them(self):
        text = run(["curl", "-q", "-s", "http://127.0.0.1:9477/metrics"], self.wire.edge).stdout
        self.assertIn("weir_packets_total{", text)
        file = self.directory / "metrics"
        file.write_text(text)
        done = run(["bash", "-c", f"promtool check metrics <{file}"])
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        # The list is secret: neither its hosts nor addresses of subscribers are in a label.
        for secret in ("news.test", "listed.test", ORIGIN_V4):
            self.assertNotIn(secret, text)

    def test_every_query_of_the_dashboard_is_answered(self):
        unanswered = dict.fromkeys(dashboard_queries())
        self.weir.ctl("reload")

        def all_answered():
            self.visit_all()
            for key in [key for key in unanswered if self.prometheus.query(key[1])]:
                del unanswered[key]
            # These panels are empty on a good day.
            return {panel for panel, _ in unanswered} <= {"Alerts firing", "New generation"}

        with contextlib.suppress(AssertionError):
            poll(all_answered, _WAIT, 0.5)
        left = {panel for panel, _ in unanswered}
        self.assertLessEqual(left, {"Alerts firing", "New generation"},
                             [query for panel, query in unanswered if panel in left])
        blocked = fill('sum(increase(weir_blocked_total{list="hotline"}[$__rate_interval])) > 0')
        poll(lambda: self.visit_all() or self.prometheus.query(blocked), _WAIT, 0.5, what="blocked requests show")

    def test_alert_dataplane_down(self):
        with self.fires("WeirDataplaneDown"):
            self.weir.kill(self.weir.dataplane)
        self.weir.start_dataplane()
        self.assert_quiet()
        with self.fires("WeirDataplaneRestarts"):
            for _ in range(2):
                self.weir.kill(self.weir.dataplane)
                self.weir.start_dataplane()
                poll(lambda: self.weir.generation() > 0, what="the list is loaded")
                poll(lambda: self.prometheus.query("weir_dataplane_uptime_seconds >= 0"), what="it is scraped")
                time.sleep(2)

    def test_alert_control_down(self):
        with self.fires("WeirControlDown"):
            self.weir.kill(self.weir.control)
        self.weir.start_control()

    def test_alert_link_down(self):
        with self.fires("WeirLinkDown"):
            self.wire.client.ip("link", "set", "lan0", "down")
        self.wire.client.ip("link", "set", "lan0", "up")

    def test_alert_not_enforcing(self):
        """The self-test fails too, but does not alert in this case."""
        for mode in ("monitor", "bypass"):
            with self.fires("WeirNotEnforcing"):
                self.weir.ctl("enforcement", mode)
        self.weir.ctl("enforcement", "enforce")
        self.weir.ctl("selftest")

    def test_alert_self_test_failing(self):
        with self.fires("WeirSelfTestFailing"):
            self.weir.ctl("add", "weir-unlisted.invalid", "--list", "local")
        self.weir.ctl("remove", "weir-unlisted.invalid", "--list", "local")
        self.assert_quiet()

    def test_alerts_of_a_feed(self):
        late = self.directory / "late.txt"
        settings = json.loads(self.weir.configuration.read_text())
        settings["lists"].append({"name": "late", "url": f"file://{late}", "format": "plain", "interval": "10s",
                                  "guards": {"max_growth_percent": 0}})
        before = self.weir.configuration.read_text()
        self.addCleanup(self.weir.ctl, "reconfigure", allow=(0, 1))
        self.addCleanup(self.weir.configuration.write_text, before)
        # It has never been fetched, so it is stale at once.
        with self.fires("WeirFeedFailing", "WeirListStale"):
            self.weir.configuration.write_text(json.dumps(settings))
            self.weir.ctl("reconfigure", allow=(0, 1))
        self.replace(late, "late.test\nlater.test\n")
        poll(lambda: self.weir.run("weirctl", "--socket", self.weir.control_socket, "reload", "late").returncode == 0,
             what="the list is loaded")
        self.assert_quiet()
        with self.fires("WeirFeedFailing", "WeirListRefused"):
            self.replace(late, "late.test\n")
            self.weir.ctl("reload", "late", allow=(1,))
        self.replace(late, "late.test\nlater.test\n")
        self.weir.ctl("reload", "late")
        self.assert_quiet()

    @staticmethod
    def replace(file, text):
        """Replaces the file at once, because it is watched."""
        fresh = file.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, file)

    def test_alert_rule_tripped(self):
        deadline = time.monotonic() + _WAIT
        self.addCleanup(self.weir.ctl, "reset", allow=(0, 1))
        with self.fires("WeirRuleBeyondLimit", "WeirRuleTripped"):
            while not self.weir.status()["tripped_rules"]:
                self.assertLess(time.monotonic(), deadline, "the rule is not tripped")
                for _ in range(5):
                    with self.wire.client.connect(ORIGIN_V4, 80) as connection:
                        connection.sendall(b"GET /forbidden HTTP/1.1\r\nHost: news.test\r\n\r\n")
                        connection.recv(65536)
                # Thousands a second would be a flood, which has its own alert.
                time.sleep(0.2)
        self.keep_pictures()
        self.weir.ctl("reset")
        self.assert_quiet()

    def keep_pictures(self):
        """Screenshots for people, in the directory $WEIR_E2E_PICTURES if it is set."""
        pictures = os.environ.get("WEIR_E2E_PICTURES")
        if not pictures:
            return
        graph = urllib.parse.urlencode({"g0.expr": f"sum by (list) (rate(weir_blocked_total[{WINDOW}]))",
                                        "g0.tab": 0, "g0.range_input": "1m"})
        # The browser resolves only names in .test. Debian's Prometheus has the classic pages.
        for name, page in (("metrics", "9477/metrics"), ("alerts", "9090/classic/alerts"),
                           ("graph", f"9090/classic/graph?{graph}")):
            chromium = Chromium(self.wire.edge, self.directory, self.origin.certificates, "127.0.0.1",
                                "--window-size=1200,900", profile=f"browser-{name}")
            try:
                self.assertEqual(chromium.visit(f"http://weir.test:{page}", loaded=True).status, 200)
                time.sleep(2)  # for what its scripts fetch
                chromium.screenshot(self.directory / f"{name}.png")
                shutil.copy(self.directory / f"{name}.png", Path(pictures))
            finally:
                chromium.stop()


class Overload(MonitoringCase):
    settings_options = {"flows": {"capacity": 1024}}

    def test_alerts_of_overload(self):
        port = RawPort(self.wire.client, "lan0")
        with self.fires("WeirFlowTablePressure", "WeirSnapshotRefused"):
            for number in range(4000):
                port.send(frames.ethernet(0x0800, frames.ipv4(6, frames.tcp(b"x"))))
                if number % 100 == 99:
                    time.sleep(0.02)
            with self.assertRaises(RpcError):
                self.weir.load_snapshot(self.weir.generation() + 1, random.Random(1).randbytes(4096))
        port.close()
        self.assert_quiet()
