"""Real and hostile traffic for a long time, with a reload every second: no leak, no loss, no crash.

WEIR_SOAK_SECONDS says how long each case runs; without it they are skipped."""

import os
import threading
import time
import unittest

from lab.case import LabCase, programs
from lab.load import Connections, Hostile
from lab.process import poll

SECONDS = float(os.environ.get("WEIR_SOAK_SECONDS", "0"))


def resident_bytes(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def has_sanitizer():
    # Sanitizers delay the reuse of freed memory on purpose.
    return b"__asan_init" in (programs() / "weir-dataplane").read_bytes()


class _Soak(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def check_soak(self):
        stop = threading.Event()
        load = [Connections(self, stop), Connections(self, stop), Hostile(self, stop)]
        ports, outcomes, generation = self.weir.ports(), self.weir.outcomes(), self.weir.generation()
        for thread in load:
            thread.start()
        try:
            samples = self._reload_each_second(time.monotonic() + SECONDS)
        finally:
            stop.set()
            for thread in load:
                thread.join(30)
        failures = [failure for thread in load for failure in thread.failures]
        if failures:
            now = self.weir.outcomes()
            print("soak: outcomes:", {name: now[name] - outcomes[name] for name in now if now[name] != outcomes[name]},
                  "missed packets:", {role: port["missed_packets"] for role, port in self.weir.ports().items()}, flush=True)
        self.assertEqual(failures, [])
        self.assertGreaterEqual(self.weir.generation(), generation + len(samples))
        for thread in load:
            self.assertGreater(thread.count, SECONDS, type(thread).__name__)
        poll(lambda: self.origin.connections() == 0, 30, what="nginx has no connection left")
        self._assert_nothing_lost(ports, outcomes)
        self._assert_flat(samples)
        self.assertNotIn("/forbidden 200", " ".join(self.origin.requests()))

    def _reload_each_second(self, end):
        samples = []
        while time.monotonic() < end:
            turn = time.monotonic()
            self.weir.write_list(*self.first_list, *(f"page{len(samples)}.test/{page}" for page in range(1000)))
            self.assertTrue(self.weir.ctl("reload", "hotline")["active"])
            samples.append({"dataplane": resident_bytes(self.weir.dataplane),
                            "control": resident_bytes(self.weir.control),
                            "mbufs": self.weir.status()["mbufs"]["in_use"]})
            time.sleep(max(0.0, turn + 1 - time.monotonic()))
        return samples

    def _assert_nothing_lost(self, ports, outcomes):
        self.assert_conserved()
        now = self.weir.outcomes()
        self.assertEqual(now["drop_tx_full"], outcomes["drop_tx_full"])
        for outcome in ("drop_blocked", "drop_conflict", "forward_incomplete", "forward_malformed", "forward_passed"):
            self.assertGreater(now[outcome], outcomes[outcome], outcome)
        for role, port in self.weir.ports().items():
            self.assertEqual(port["missed_packets"], ports[role]["missed_packets"], role)

    def _assert_flat(self, samples):
        """Compares the highest value of the last third with the highest of the middle third."""
        third = len(samples) // 3
        for what, slack in (("dataplane", 1 << 20), ("control", 2 << 20), ("mbufs", 600)):
            if what != "mbufs" and has_sanitizer():
                continue
            middle = max(sample[what] for sample in samples[third:2 * third])
            last = max(sample[what] for sample in samples[2 * third:])
            print(f"soak: {what}: {middle} in the middle third, {last} in the last", flush=True)
            self.assertLessEqual(last, middle * 1.01 + slack, what)


@unittest.skipUnless(SECONDS, "takes long: set WEIR_SOAK_SECONDS")
class OneWorker(_Soak):
    def test_one_worker(self):
        self.check_soak()


@unittest.skipUnless(SECONDS, "takes long: set WEIR_SOAK_SECONDS")
class TwoWorkers(_Soak):
    settings_options = {"workers": [0, 1]}

    def test_two_workers(self):
        self.check_soak()
