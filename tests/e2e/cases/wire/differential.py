"""The short form of tests/e2e/differential: mutated requests and hellos, real servers, and weir-replay."""

import random
import unittest

from differential import hellos, judge, requests
from differential.names import LIST
from differential.servers import Servers
from lab import cleanup
from lab.case import programs
from lab.network import Namespace

_INPUTS = 1500


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = cleanup.run_directory()
        cls.namespace = Namespace("servers")
        cls.servers = Servers(cls.namespace, cls.directory)
        cls.addClassCleanup(cls.servers.stop)

    def judge(self, reads, entries=LIST):
        return judge.Judge(programs() / "weir-replay", self.directory, self.namespace, self.servers.of(reads), entries)

    @staticmethod
    def inputs(make, count):
        return [make(random.Random(f"short {number}")) for number in range(count)]

    def check(self, reads, make):
        judged = self.judge(reads)
        found = judged.verdicts(self.inputs(make, _INPUTS))
        self.assertGreater(found.listed, _INPUTS // 4, "the servers understand many of the inputs")
        unknown = []
        for miss in found.misses:
            small = judged.minimised(miss)
            if small and judge.known(small) is None:
                unknown.append(f"{', '.join(small.servers)}: {small.shown()}")
        self.assertEqual(unknown, [], "served, and not blocked")

    def test_no_server_serves_what_passes_over_http(self):
        self.check("http", requests.make)

    def test_no_server_serves_what_passes_over_tls(self):
        self.check("tls", hellos.make)

    def test_without_a_list_it_is_seen(self):
        for reads, make in (("http", requests.make), ("tls", hellos.make)):
            found = self.judge(reads, entries=("nobody.example",)).verdicts(self.inputs(make, 100))
            self.assertGreater(len(found.misses), 10, reads)
            self.assertEqual(found.blocked, 0, reads)
