"""Changing what is blocked while traffic flows."""

import json
import struct
import time

from lab.case import LabCase
from lab.process import poll
from lab.weir import RpcError, call

# Fields of the snapshot's header, see dataplane/match/snapshot_format.h.
_VERSION_OFFSET = 8
_CHECKSUMMED_FROM = 32


class Lists(LabCase):
    first_list = ("news.test/forbidden", "listed.test")

    def setUp(self):
        self.weir.write_list(*self.first_list)
        self.weir.ctl("reload")

    def assert_still_blocks(self):
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_passes("http://news.test/")

    def test_added_page_is_blocked_within_a_second(self):
        self.assert_passes("http://news.test/fresh")
        start = time.monotonic()
        answer = self.weir.ctl("add", "news.test/fresh", "--list", "local", "--comment", "court order 7")
        self.assert_blocked_page("http://news.test/fresh")
        # Long enough on a loaded machine for the command, the update and the request together.
        self.assertLess(time.monotonic() - start, 5)
        self.assertLess(answer["seconds"], 1)
        self.assertTrue(answer["active"])
        self.assertEqual(self.weir.generation(), answer["generation"])

        removed = self.weir.ctl("remove", "news.test/fresh", "--list", "local")
        self.assertGreater(removed["generation"], answer["generation"])
        self.assert_passes("http://news.test/fresh")

    def test_added_host_is_blocked_on_https(self):
        self.assert_passes("https://shop.test/")
        self.weir.ctl("add", "shop.test", "--list", "local")
        self.assert_blocked_tls("https://shop.test/")
        self.weir.ctl("remove", "shop.test", "--list", "local")
        self.assert_passes("https://shop.test/")

    def test_allow_rule_wins(self):
        self.weir.ctl("add", "news.test/forbidden", "--list", "local", "--allow")
        self.assert_passes("http://news.test/forbidden")
        self.weir.ctl("remove", "news.test/forbidden", "--list", "local")
        self.assert_blocked_page("http://news.test/forbidden")

    def test_reload_takes_the_new_list(self):
        self.weir.write_list("news.test/other", "listed.test")
        answer = self.weir.ctl("reload", "hotline")
        self.assertEqual(self.weir.generation(), answer["generation"])
        self.assert_passes("http://news.test/forbidden")
        self.assert_blocked_page("http://news.test/other")

    def test_check_tells_the_verdict(self):
        listed = self.weir.ctl("check", "http://NEWS.test:80/x/../forbidden")
        self.assertEqual((listed["verdict"], listed["list"]), ("block", "hotline"))
        self.assertEqual((listed["kind"], listed["protocols"]), ("url", ["http", "h2c"]))
        self.assertTrue(listed["by_protocol"]["tls"]["path_rules_unseen"])
        self.assertEqual(self.weir.ctl("check", "news.test/")["verdict"], "pass")

    def test_check_tells_why_nothing_matches(self):
        for url, code in (("news.test/", "path_not_listed"), ("www.news.test/forbidden", "only_host_above"),
                          ("other.test", "host_unknown")):
            with self.subTest(url=url):
                answer = self.weir.ctl("check", url)
                self.assertEqual((answer["verdict"], answer["why"]["code"]), ("pass", code))
                self.assertNotIn("forbidden", json.dumps(answer["why"]))
        bad = self.weir.run("weirctl", "--socket", self.weir.control_socket, "check", "http://[broken/")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("url_invalid", bad.stderr)

    def test_report_counts_what_holds_where(self):
        self.browser.get("https://news.test/forbidden")
        hotline = self.weir.ctl("report")["lists"][0]
        self.assertEqual((hotline["every_protocol"], hotline["cleartext_http_only"], hotline["not_at_all"]), (1, 1, 0))
        self.assertGreater(self.weir.ctl("report")["unseen_connections"]["hotline"], 0)
        self.weir.ctl("add", "listed.test", "--list", "local", "--allow")
        hotline = self.weir.ctl("report")["lists"][0]
        self.assertEqual((hotline["every_protocol"], hotline["overridden"], hotline["not_at_all"]), (0, 1, 1))
        overrides = self.weir.ctl("check", "listed.test")["overrides"]
        self.assertEqual((overrides["count"], overrides["rules"][0]["list"]), (1, "hotline"))
        self.weir.ctl("remove", "listed.test", "--list", "local")

    def test_unchanged_connection_sees_the_new_list(self):
        with self.wire.client.connect("192.0.2.80", 80) as connection:
            connection.sendall(b"GET /late HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.assertIn(b"200 OK", connection.recv(4096))
            self.weir.ctl("add", "news.test/late", "--list", "local")
            connection.sendall(b"GET /late HTTP/1.1\r\nHost: news.test\r\n\r\n")
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 451 "))
        self.weir.ctl("remove", "news.test/late", "--list", "local")

    def test_broken_line_is_reported_and_the_rest_loads(self):
        self.weir.write_list("news.test/forbidden", "http://[broken/", "# a comment", "news.test/last")
        self.weir.ctl("reload", "hotline")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_page("http://news.test/last")
        report = self.weir.run("weirctl", "--socket", self.weir.control_socket, "--json", "lists").stdout
        logged = poll(lambda: [line for line in self.weir.control.output().splitlines()
                               if "hotline.txt:2:" in line], what="file and line of the broken entry in the log")
        self.assertNotIn("broken/", "\n".join(logged))  # the list is secret
        self.assertNotIn("broken/", report)

    def test_unreadable_list_keeps_the_last_good_one(self):
        self.weir.list_file.unlink()
        generation = self.weir.generation()
        done = self.weir.run("weirctl", "--socket", self.weir.control_socket, "reload", "hotline")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("hotline", done.stderr)
        self.assertEqual(self.weir.generation(), generation)
        self.assert_still_blocks()

    def test_metrics_are_served(self):
        with self.wire.edge.connect("127.0.0.1", 9477) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b""
            while piece := connection.recv(65536):
                text += piece
        body = text.decode()
        for family in ("weir_build_info", "weir_packets_total", "weir_port_received_packets_total",
                       "weir_snapshot_generation", "weir_list_entries", "weir_dataplane_up"):
            self.assertIn(family, body)
        self.assertNotIn("news.test", body)

    def test_monitor_counts_and_touches_nothing(self):
        self.weir.ctl("enforcement", "monitor")
        try:
            before = self.weir.outcomes()["forward_monitor"]
            self.assert_passes("http://news.test/forbidden")
            self.assert_passes("https://listed.test/")
            self.assertEqual(self.weir.outcomes()["forward_monitor"] - before, 2)
        finally:
            self.weir.ctl("enforcement", "enforce")
        self.assert_still_blocks()

    def test_bypass_does_not_look(self):
        self.weir.ctl("enforcement", "bypass")
        try:
            before = self.weir.outcomes()
            self.assert_passes("http://news.test/forbidden")
            after = self.weir.outcomes()
            self.assertGreater(after["forward_bypass"], before["forward_bypass"])
            self.assertEqual(after["forward_passed"], before["forward_passed"])
        finally:
            self.weir.ctl("enforcement", "enforce")
        self.assert_still_blocks()


class Compiled(LabCase):
    """A snapshot made by `weirctl compile`, without a control daemon."""

    with_control = False

    def compile(self, output, *arguments):
        return self.weir.run("weirctl", "--json", "compile", f"hotline={self.weir.list_file}", "-o", output, *arguments)

    def test_compiled_list_is_loaded_at_start(self):
        self.assert_passes("http://news.test/forbidden")
        self.weir.write_list("news.test/forbidden", "http://[broken/", "listed.test")
        done = self.compile(self.weir.snapshot_dir / f"{5:020}.snapshot", "--generation", "5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("hotline.txt:2: ", done.stderr)
        self.assertNotIn("broken", done.stderr)
        self.assertEqual(json.loads(done.stdout)["entries"], 2)
        self.weir.kill(self.weir.dataplane)
        self.weir.start_dataplane()
        self.assertEqual(self.weir.generation(), 5)
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")
        self.assert_passes("http://news.test/")

    def test_same_seed_gives_the_same_bytes(self):
        self.weir.write_list("news.test/forbidden", "listed.test")
        output, seed = self.directory / "seeded.snapshot", ("--seed", "000102030405060708090a0b0c0d0e0f")
        self.assertEqual(self.compile(output, *seed).returncode, 0)
        first = output.read_bytes()
        self.assertEqual(self.compile(output, *seed).returncode, 0)
        self.assertEqual(output.read_bytes(), first)

    def test_failed_compile_keeps_the_old_file(self):
        output = self.directory / "kept.snapshot"
        output.write_bytes(b"old")
        self.weir.write_list("# nothing")
        self.assertEqual(self.compile(output).returncode, 1)
        self.assertEqual(self.compile(output, "--seed", "1").returncode, 2)
        self.assertEqual(output.read_bytes(), b"old")


class Snapshots(LabCase):
    """Bytes that are not a snapshot: the dataplane refuses them with an error code, and the old snapshot stays."""

    first_list = ("news.test/forbidden", "listed.test")

    def setUp(self):
        self.generation = self.weir.generation()
        self.bytes = (self.weir.snapshot_dir / f"{self.generation:020}.snapshot").read_bytes()

    def assert_refused(self, data, *codes, generation=None):
        with self.assertRaises(RpcError) as caught:
            self.weir.load_snapshot(self.generation if generation is None else generation, data)
        self.assertIn(caught.exception.code, codes)
        self.assertEqual(self.weir.generation(), self.generation)
        self.assert_blocked_page("http://news.test/forbidden")

    def test_snapshot_itself_is_accepted_again(self):
        self.assertTrue(self.weir.load_snapshot(self.generation, self.bytes)["active"])
        self.assert_blocked_page("http://news.test/forbidden")

    def test_snapshot_with_a_flipped_bit(self):
        for offset in (_CHECKSUMMED_FROM, len(self.bytes) // 2, len(self.bytes) - 1):
            damaged = bytearray(self.bytes)
            damaged[offset] ^= 0x10
            with self.subTest(offset=offset):
                self.assert_refused(bytes(damaged), "snapshot_checksum")

    def test_snapshot_cut_short(self):
        for length in (0, 7, 111, 112, len(self.bytes) - 1):
            with self.subTest(length=length):
                self.assert_refused(self.bytes[:length], "snapshot_truncated")

    def test_snapshot_of_another_version(self):
        other = self.bytes[:_VERSION_OFFSET] + struct.pack("<I", 999) + self.bytes[_VERSION_OFFSET + 4:]
        self.assert_refused(other, "snapshot_version")

    def test_snapshot_that_is_something_else(self):
        self.assert_refused(b"#!/bin/sh\n" * 100, "snapshot_magic")

    def test_snapshot_with_another_generation_than_the_call_says(self):
        self.assert_refused(self.bytes, "snapshot_mismatch", generation=self.generation + 1)

    def test_snapshot_without_descriptor(self):
        with self.assertRaises(RpcError) as caught:
            call(self.weir.dataplane_socket, "snapshot.load", {"generation": self.generation})
        self.assertEqual(caught.exception.code, "no_descriptor")

    def test_zz_stale_snapshot(self):
        self.weir.ctl("add", "news.test/newer", "--list", "local")
        old, self.generation = self.bytes, self.weir.generation()
        self.assert_refused(old, "snapshot_stale", generation=self.generation - 1)
        self.weir.ctl("remove", "news.test/newer", "--list", "local")
