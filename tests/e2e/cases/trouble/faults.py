"""Programs that die and come back."""

from lab.case import LabCase
from lab.network import ORIGIN_V4
from lab.process import poll


class Faults(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def setUp(self):
        """Each case begins with both programs running."""
        if not self.weir.dataplane.running():
            self.weir.start_dataplane()
        if not (self.weir.control and self.weir.control.running()):
            self.weir.start_control()

    def assert_blocks(self):
        self.assert_passes("http://news.test/")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_passes("https://news.test/")
        self.assert_blocked_tls("https://listed.test/")

    def test_control_killed_changes_nothing_for_traffic(self):
        self.assert_blocks()
        generation = self.weir.generation()
        with self.wire.client.connect(ORIGIN_V4, 80) as connection:
            self.weir.kill(self.weir.control)
            # An old connection goes on, new ones work, and what was blocked is still blocked.
            connection.sendall(b"GET /kept HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(4096))
        self.assert_blocks()
        self.assertEqual(self.weir.generation(), generation)

    def test_control_finds_its_state_after_a_kill(self):
        self.weir.ctl("add", "news.test/added", "--list", "local", "--comment", "e2e")
        self.assert_blocked_page("http://news.test/added")
        generation = self.weir.generation()
        self.weir.kill(self.weir.control)
        self.assert_blocked_page("http://news.test/added")
        self.weir.start_control()
        self.assertGreaterEqual(self.weir.generation(), generation)
        self.assert_blocked_page("http://news.test/added")
        self.assert_blocks()
        answer = self.weir.ctl("remove", "news.test/added", "--list", "local")
        self.assertGreater(answer["generation"], generation)
        self.assert_passes("http://news.test/added")

    def test_control_killed_again_and_again_during_updates(self):
        self.weir.kill(self.weir.control)
        for number in range(4):
            self.weir.start_control()
            self.weir.ctl("add", f"news.test/round/{number}", "--list", "local")
            self.weir.kill(self.weir.control)
            self.assert_blocked_page(f"http://news.test/round/{number}")
        self.weir.start_control()
        for number in range(4):
            self.assert_blocked_page(f"http://news.test/round/{number}")
            self.weir.ctl("remove", f"news.test/round/{number}", "--list", "local")

    def test_dataplane_killed_restarts_without_control(self):
        self.weir.ctl("add", "news.test/added", "--list", "local")
        generation = self.weir.generation()
        self.weir.kill(self.weir.control)
        self.weir.kill(self.weir.dataplane)
        self.weir.start_dataplane()
        self.assertEqual(self.weir.generation(), generation)
        self.assert_blocks()
        self.assert_blocked_page("http://news.test/added")
        self.weir.start_control()
        self.weir.ctl("remove", "news.test/added", "--list", "local")

    def test_dataplane_skips_a_damaged_snapshot_at_start(self):
        self.weir.ctl("add", "news.test/added", "--list", "local")
        generation = self.weir.generation()
        self.weir.ctl("remove", "news.test/added", "--list", "local")
        newest = self.weir.snapshot_dir / f"{self.weir.generation():020}.snapshot"
        self.weir.kill(self.weir.control)
        self.weir.kill(self.weir.dataplane)
        whole = newest.read_bytes()
        newest.write_bytes(whole[:-1])
        self.weir.start_dataplane()
        # The last good snapshot, and a line that says which one was skipped, and why.
        self.assertEqual(self.weir.generation(), generation)
        self.assert_blocked_page("http://news.test/added")
        self.assertIn(newest.name, self.weir.dataplane.output())
        newest.write_bytes(whole)

    def test_dataplane_restarted_under_a_running_control(self):
        self.weir.kill(self.weir.dataplane)
        self.weir.start_dataplane()
        self.assert_blocks()
        self.weir.ctl("add", "news.test/added", "--list", "local")
        self.assert_blocked_page("http://news.test/added")
        self.weir.ctl("remove", "news.test/added", "--list", "local")
        self.assert_passes("http://news.test/added")

    def test_dataplane_without_any_snapshot_forwards(self):
        for process in (self.weir.control, self.weir.dataplane):
            self.weir.kill(process)
        aside = self.directory / "aside"
        self.weir.snapshot_dir.rename(aside)
        self.weir.snapshot_dir.mkdir()
        try:
            self.weir.start_dataplane()
            self.assertEqual(self.weir.generation(), 0)
            self.assert_passes("http://news.test/forbidden")
            self.assert_conserved()
            self.weir.kill(self.weir.dataplane)
        finally:
            self.weir.snapshot_dir.rmdir()
            aside.rename(self.weir.snapshot_dir)

    def test_terminated_programs_exit_0(self):
        self.assertEqual(self.weir.control.stop(), 0)
        self.assertEqual(self.weir.dataplane.stop(), 0)
        self.assertFalse(self.weir.dataplane_socket.exists())
        self.assertFalse(self.weir.control_socket.exists())

    def test_wire_carries_traffic_again_after_a_restart(self):
        with self.wire.client.connect(ORIGIN_V4, 80, timeout=20) as connection:
            self.assertEqual(self.weir.dataplane.stop(), 0)
            connection.sendall(b"GET /during HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.weir.start_dataplane()
            # TCP itself repairs the gap: the retransmitted request goes through.
            self.assertIn(b"200 OK", connection.recv(4096))
        poll(lambda: "news.test /during 200" in self.origin.requests(), what="the request reached nginx")
