"""What all cases have in common."""

import os
import unittest
from pathlib import Path

from . import cleanup
from .network import Wire
from .process import poll
from .web import Browser, Origin
from .weir import Weir, default_settings

_ROOT = Path(__file__).resolve().parents[3]


def programs():
    """Directory of the programs under test."""
    return Path(os.environ.get("WEIR_E2E_BUILD", _ROOT / "build" / "release")) / "bin"


class LabCase(unittest.TestCase):
    """A class of cases that share one laboratory. After each case every packet must be accounted for."""

    wire_class = Wire
    wire_options = {}
    settings_options = {}
    origin_options = {}
    with_origin = True
    with_control = True
    first_list = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.make_directory()
        cls.wire = cls.wire_class(**cls.wire_options)
        cls.addClassCleanup(cls.wire.delete)
        if cls.with_origin:
            cls.origin = Origin(cls.wire.origin, cls.directory, **cls.origin_options)
            cls.addClassCleanup(cls.origin.process.stop)
            cls.browser = Browser(cls.wire.client, cls.origin.ca_file, (cls.wire.origin_v4, cls.wire.origin_v6))
        cls.weir = Weir(programs(), cls.wire.edge, cls.directory,
                        default_settings(cls.directory, **cls.settings_options))
        cls.addClassCleanup(cls.weir.stop)
        cls.weir.write_list(*cls.first_list)
        cls.weir.start_dataplane()
        if cls.with_control:
            cls.weir.start_control()

    @classmethod
    def make_directory(cls):
        """Where the laboratory's files are."""
        return cleanup.run_directory()

    def tearDown(self):
        if self.weir.dataplane and self.weir.dataplane.running():
            self.assert_conserved()

    def assert_conserved(self):
        """All that has arrived is counted: received = sum of outcomes, nothing missed."""
        seen = []

        def settled():
            # What lies in a port's ring is in no counter yet: the workers must have found nothing more.
            before = self.weir.conserved()
            self.weir.wait_for_a_turn()
            seen[:] = self.weir.conserved()
            return before[0] == seen[0] == seen[1]

        try:
            poll(settled, 5, 0.1)
        except AssertionError as error:
            self.fail(f"{error}: [received, sum of outcomes, missed] = {seen}")
        self.assertEqual(seen[2], 0, "missed packets")

    def assert_passes(self, url, *options, **kwargs):
        answer = self.browser.get(url, *options, **kwargs)
        self.assertEqual((answer.exit_code, answer.status), (0, 200), f"{url}: {answer.error or answer.body}")
        return answer

    def assert_blocked_page(self, url, *options, **kwargs):
        answer = self.browser.get(url, *options, **kwargs)
        self.assertEqual((answer.exit_code, answer.status), (0, 451), f"{url}: {answer.error or answer.body}")
        return answer

    def assert_blocked_tls(self, url, *options, **kwargs):
        answer = self.browser.get(url, *options, **kwargs)
        self.assertEqual(answer.exit_code, 35, f"{url}: {answer.error or answer.body}")
        self.assertRegex(answer.error, r"alert|unrecognized name", url)
        return answer
