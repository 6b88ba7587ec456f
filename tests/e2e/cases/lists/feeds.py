"""Feeds over HTTPS. A change is active within the interval. Whatever is wrong with a feed, its last good list stays
active and the status says why."""

import gzip
import json
import os
import random
import signal
import time

from lab.case import LabCase
from lab.feed import FeedServer
from lab.process import poll, run

_INTERVAL_SECONDS = 10  # the shortest that is allowed
_ENTRIES = ["news.test/forbidden", "listed.test", *(f"page{number}.test/a,b" for number in range(18))]


class Feeds(LabCase):
    with_control = False
    settings_options = {"workers": [0, 1]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.feed = FeedServer(cls.wire.edge, cls.directory)
        cls.addClassCleanup(cls.feed.process.stop)
        cls.key, cls.other_key = cls._make_key("feed"), cls._make_key("other")
        cls.signed_at = 1_700_000_000
        cls.publish(_ENTRIES)
        for place, entry in (("bearer", "bearer.test"), ("client", "client.test")):
            (cls.feed.pages / place / "list.txt").write_text(f"{entry}\n")
        directory, address = cls.feed.directory, "https://127.0.0.1"
        common = {"ca_file": str(cls.feed.ca_file), "interval": f"{_INTERVAL_SECONDS}s"}
        cls.weir.settings["lists"] = [
            {"name": "hotline", "url": f"{address}:8443/list/list.csv", "format": "csv",
             "csv": {"url_column": "url", "id_column": "id"}, "timeout": "5s", "max_bytes": 1 << 20,
             "auth": {"type": "basic", "user": FeedServer.USER, "password_file": str(directory / "password")},
             "verify": {"type": "minisign", "public_key": cls._public_key()},
             "guards": {"max_shrink_percent": 20, "max_growth_percent": 100}, **common},
            {"name": "bearer", "url": f"{address}:8443/bearer/list.txt",
             "auth": {"type": "bearer", "token_file": str(directory / "token")}, **common, "interval": "30m"},
            {"name": "client", "url": f"{address}:8445/client/list.txt", "proxy": "http://127.0.0.1:8091",
             "auth": {"type": "client_cert", "certificate": str(directory / "client.pem"),
                      "key": str(directory / "client.key")}, **common, "interval": "30m"},
            {"name": "local", "type": "manual"},
        ]
        cls.weir.configuration.write_text(json.dumps(cls.weir.settings))
        cls.weir.start_control()
        try:
            poll(lambda: all(cls.lists()[name]["last_success"] for name in ("hotline", "bearer", "client")), 30,
                 what="every list is loaded")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{cls.weir.control.tail()}\n{cls.feed.process.tail()}") from None

    @classmethod
    def _make_key(cls, name):
        key = cls.directory / f"{name}.key"
        run(["minisign", "-G", "-W", "-f", "-p", cls.directory / f"{name}.pub", "-s", key], check=True)
        return key

    @classmethod
    def _public_key(cls):
        return (cls.directory / "feed.pub").read_text().splitlines()[1]

    @classmethod
    def publish(cls, entries, key=None, signed_at=None, legacy=False, pack=False):
        """Puts a signed list of these entries on the feed's server."""
        rows = "".join(f'{number},"{entry}","a, note"\r\n' for number, entry in enumerate(entries, 1))
        text = f"\ufeffid,url,note\r\n{rows}".encode()
        cls.put(gzip.compress(text) if pack else text, key, signed_at, legacy)

    @classmethod
    def put(cls, data, key=None, signed_at=None, legacy=False):
        if signed_at is None:
            cls.signed_at += 1
            signed_at = cls.signed_at
        fresh = cls.directory / "list.fresh"
        fresh.write_bytes(data)
        run(["minisign", "-S", *(["-l"] if legacy else []), "-s", key or cls.key, "-m", fresh, "-x",
             cls.directory / "signature", "-t", f"timestamp:{signed_at}"], check=True)
        os.replace(cls.directory / "signature", cls.feed.pages / "list" / "list.csv.minisig")
        os.replace(fresh, cls.feed.pages / "list" / "list.csv")

    @classmethod
    def lists(cls):
        return {each["name"]: each for each in cls.weir.ctl("lists", allow=(0, 1))["lists"]}

    def errors(self, stage):
        text = run(["curl", "-q", "-s", "http://127.0.0.1:9477/metrics"], self.wire.edge).stdout
        name = f'weir_list_errors_total{{list="hotline",stage="{stage}"}} '
        return next(float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name))

    def assert_list_in_force(self):
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")
        self.assert_passes("http://news.test/")

    def heal(self):
        self.feed.heal()
        self.publish(_ENTRIES)
        self.weir.ctl("reload", "hotline")

    def test_a_change_is_active_within_the_interval(self):
        for options in ({}, {"legacy": True}, {"pack": True}):
            with self.subTest(options=options):
                self.assert_passes("http://news.test/fresh")
                generation = self.weir.generation()
                self.publish([*_ENTRIES, "news.test/fresh"], **options)
                # A spread of a tenth, and the time to fetch and compile on a loaded machine.
                poll(lambda: self.weir.generation() > generation, _INTERVAL_SECONDS * 1.1 + 10, 0.2,
                     "the change is active")
                self.assert_blocked_page("http://news.test/fresh")
                self.assertIsNone(self.lists()["hotline"]["error"])
                self.heal()
                self.assert_passes("http://news.test/fresh")

    def test_every_login_and_the_proxy(self):
        for name in ("bearer", "client"):
            self.assert_blocked_page(f"http://{name}.test/")
        self.assertGreater(self.feed.tunnels, 0)
        # Without the login the server refuses.
        for url in ("https://127.0.0.1:8443/list/list.csv", "https://127.0.0.1:8443/bearer/list.txt",
                    "https://127.0.0.1:8445/client/list.txt"):
            code = run(["curl", "-q", "-s", "--cacert", self.feed.ca_file, "-o", "/dev/null", "-w", "%{http_code}", url],
                       self.wire.edge).stdout
            self.assertIn(code, ("400", "401"), url)

    def tampered(self):
        path = self.feed.pages / "list" / "list.csv"
        path.write_bytes(path.read_bytes().replace(b"page7", b"page8"))

    def huge(self):
        with open(self.feed.pages / "list" / "list.csv", "wb") as file:
            file.truncate(10 << 30)

    def huge_without_length(self):
        self.huge()
        self.feed.fault("packed")

    def bomb(self):
        self.put(gzip.compress(b"id,url\r\n" + b"#" * (2 << 20)))

    def refused_cases(self):
        """Rows: description, what is done to the feed, the stage that refuses it, the error's code."""
        feed, page = self.feed, b"<!DOCTYPE html><html><body>Please log in</body></html>\n"
        return (
            ("truncated on the way", lambda: feed.fault("cut"), "fetch", "fetch_truncated"),
            ("truncated at its source", lambda: self.put(b'id,url\r\n1,"listed.test"\r\n2,"news.test/forb'), "parse",
             "parse_quote"),
            ("truncated gzip", lambda: self.put(gzip.compress(b"id,url\r\n1,listed.test\r\n")[:-9]), "parse",
             "parse_truncated"),
            ("empty", lambda: self.put(b""), "guard", "guard_empty"),
            ("a header alone", lambda: self.publish([]), "guard", "guard_empty"),
            ("90 % are gone", lambda: self.publish(_ENTRIES[:2]), "guard", "guard_shrink"),
            ("three times as many", lambda: self.publish([f"more{n}.test" for n in range(60)]), "guard", "guard_growth"),
            ("changed after it was signed", self.tampered, "verify", "verify_signature"),
            ("signed by another key", lambda: self.publish(_ENTRIES, key=self.other_key), "verify", "verify_signature"),
            ("no signature", (feed.pages / "list" / "list.csv.minisig").unlink, "verify", "fetch_http_status"),
            ("an older one played again", lambda: self.publish(_ENTRIES[1:], signed_at=1_600_000_000), "guard",
             "guard_older"),
            ("status 500", lambda: feed.fault("status"), "fetch", "fetch_http_status"),
            ("status 304 to who did not ask for it", lambda: feed.fault("same"), "fetch", "fetch_http_status"),
            ("a wrong password", lambda: feed.set_password("another"), "fetch", "fetch_http_status"),
            ("slower than the time limit", lambda: feed.fault("slow"), "fetch", "fetch_timeout"),
            ("a redirect to http", lambda: feed.fault("redirect"), "fetch", "fetch_url"),
            ("another host's certificate", lambda: feed.use_certificate("other"), "fetch", "fetch_tls"),
            ("10 GB", self.huge, "fetch", "fetch_too_large"),
            ("10 GB without a length", self.huge_without_length, "fetch", "fetch_too_large"),
            ("gzip that unpacks to too much", self.bomb, "parse", "parse_too_large"),
            ("a page in its place", lambda: self.put(page), "parse", "parse_html"),
            ("another table", lambda: self.put(b"id,address\r\n1,listed.test\r\n"), "parse", "parse_header"),
        )

    def test_whatever_is_wrong_the_last_good_list_stays(self):
        for description, spoil, stage, code in self.refused_cases():
            with self.subTest(description):
                generation, errors = self.weir.generation(), self.errors(stage)
                spoil()
                done = self.weir.run("weirctl", "--socket", self.weir.control_socket, "reload", "hotline")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(code, done.stderr)
                error = self.lists()["hotline"]["error"]
                self.assertEqual((error["stage"], error["code"]), (stage, code), error["message"])
                status = self.weir.ctl("status", allow=(0, 1))
                told = [each["message"] for each in status["warnings"] if each["code"] == "list_failed"]
                self.assertEqual(told, [f"list hotline: {stage}: {error['message']}"])
                self.assertGreater(self.errors(stage), errors)
                self.assertEqual(self.weir.generation(), generation)
                self.assert_list_in_force()
                for secret in ("forbidden", "page7", FeedServer.PASSWORD):  # and nothing shows what is listed
                    self.assertNotIn(secret, done.stderr + error["message"])
            self.heal()
            self.assertIsNone(self.lists()["hotline"]["error"])
        self.assertEqual(self.feed.requests_in_clear(), [])
        for secret in ("forbidden", "page7", FeedServer.PASSWORD):
            self.assertNotIn(secret, self.weir.control.output())

    def test_a_failure_shows_without_anybody_asking(self):
        self.feed.fault("status")
        try:
            error = poll(lambda: self.lists()["hotline"]["error"], _INTERVAL_SECONDS * 1.1 + 10, 0.2,
                         "the scheduled fetch fails")
            self.assertEqual(error["code"], "fetch_http_status")
            self.assert_list_in_force()
            self.feed.heal()
            poll(lambda: self.lists()["hotline"]["error"] is None, _INTERVAL_SECONDS * 1.1 + 10, 0.2,
                 "the next fetch finds it well again")
        finally:
            self.heal()

    def test_a_server_that_wants_to_be_left_alone_is(self):
        self.feed.fault("later")
        try:
            poll(lambda: self.lists()["hotline"]["error"], _INTERVAL_SECONDS * 1.1 + 10, 0.2, "the server says: later")
            asked = len(self.feed.requests())
            time.sleep(_INTERVAL_SECONDS * 1.1 + 2)  # longer than any retry would wait
            self.assertEqual(len(self.feed.requests()), asked)
        finally:
            self.heal()

    def test_a_restart_takes_up_where_it_stopped(self):
        generation = self.weir.generation()
        self.weir.kill(self.weir.control)
        self.publish(_ENTRIES[1:], signed_at=1_600_000_000)
        self.weir.start_control()
        poll(lambda: self.lists()["hotline"]["loaded"], what="the list of before")
        done = self.weir.run("weirctl", "--socket", self.weir.control_socket, "reload", "hotline")
        self.assertIn("guard_older", done.stderr)  # the signing time of the active list was kept
        self.assertEqual(self.weir.generation(), generation)
        self.assert_list_in_force()
        self.heal()


class FeedChanges(LabCase):
    """Feeds that give the changes since a token. The interval never comes: SIGUSR1 makes them due."""

    with_control = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.feed = FeedServer(cls.wire.edge, cls.directory)
        cls.addClassCleanup(cls.feed.process.stop)
        common = {"ca_file": str(cls.feed.ca_file), "interval": "30d", "max_age": "60d",
                  "auth": {"type": "basic", "user": FeedServer.USER,
                           "password_file": str(cls.feed.directory / "password")},
                  "guards": {"max_growth_percent": 0, "max_shrink_percent": 50}}
        address = "https://127.0.0.1:8443"
        cls.weir.settings["lists"] = [
            {"name": "lines", "url": f"{address}/whole/lines?token=l0",
             "delta": {"url": f"{address}/changes/lines?since={{token}}"}, **common},
            {"name": "document", "url": f"{address}/whole/document", "format": "json", "json": {"entries": "/urls"},
             "delta": {"url": f"{address}/changes/document?since={{token}}"}, **common},
        ]
        cls.weir.configuration.write_text(json.dumps(cls.weir.settings))

    def setUp(self):
        """Each case begins with new lists and no state."""
        self.stop_control()
        for file in (self.directory / "state").rglob("*"):
            if file.is_file():
                file.unlink()
        for file in (self.feed.pages / "changes").iterdir():
            file.unlink()
        self.feed.heal()
        self.put("whole/lines", "".join(f"{name}.lines.test\n" for name in "abcd"))
        self.put_document("d0", [f"{name}.document.test/p" for name in "abcd"])
        self.weir.start_control()
        poll(lambda: all(each["loaded"] and each["delta"]["ready"] for each in self.lists().values()), 30,
             what="both lists with their tokens")

    def stop_control(self):
        if self.weir.control and self.weir.control.running():
            self.weir.control.stop()

    def tearDown(self):
        self.stop_control()
        super().tearDown()

    def put(self, name, text):
        fresh = self.directory / "fresh"
        fresh.write_text(text)
        os.replace(fresh, self.feed.pages / name)

    def put_document(self, token, urls):
        self.put("whole/document", json.dumps({"token": token, "urls": urls}))

    def put_lines(self, since, token, added=(), removed=()):
        changes = "".join([f"+{each}\n" for each in added] + [f"-{each}\n" for each in removed])
        self.put(f"changes/lines-{since}", f"since {since}\ntoken {token}\n{changes}end\n")

    def put_changes(self, since, token, added=(), removed=()):
        document = {"since": since, "token": token, "added": list(added), "removed": list(removed)}
        self.put(f"changes/document-{since}", json.dumps(document))

    def lists(self):
        return {each["name"]: each for each in self.weir.ctl("lists", allow=(0, 1))["lists"]}

    def blocks(self, url):
        return self.weir.ctl("check", url, allow=(0, 1))["verdict"] == "block"

    def run_until(self, condition, what):
        """Makes the feeds due repeatedly, as their interval would."""
        def attempt():
            self.weir.control.signal(signal.SIGUSR1)
            return condition()
        return poll(attempt, 60, 0.3, what)

    def wholes(self, name):
        return sum(f" /whole/{name}" in line for line in self.feed.requests())

    def deltas(self, name, result):
        text = run(["curl", "-q", "-s", "http://127.0.0.1:9477/metrics"], self.wire.edge).stdout
        line = f'weir_list_deltas_total{{list="{name}",result="{result}"}} '
        return next(float(each.removeprefix(line)) for each in text.splitlines() if each.startswith(line))

    def warnings(self):
        return [each for each in self.weir.ctl("status", allow=(0, 1))["warnings"] if each["code"] == "delta_refused"]

    def test_changes_apply(self):
        wholes = self.wholes("lines"), self.wholes("document")
        self.assert_passes("http://e.lines.test/")
        for put, tokens in ((self.put_lines, ("l0", "l1")), (self.put_changes, ("d0", "d1"))):
            put(tokens[1], tokens[1])
            name = "lines" if put == self.put_lines else "document"
            page = "" if name == "lines" else "/p"
            put(*tokens, [f"e.{name}.test{page}"], [f"a.{name}.test{page}"])
        self.run_until(lambda: self.blocks("e.lines.test") and self.blocks("e.document.test/p"), "the changes")
        self.assert_blocked_page("http://e.lines.test/")
        self.assert_blocked_page("http://e.document.test/p")
        self.assert_blocked_page("http://b.lines.test/")
        self.assert_passes("http://a.lines.test/")
        self.assert_passes("http://a.document.test/p")
        poll(lambda: self.deltas("lines", "applied") and self.deltas("document", "applied"), what="the metrics")
        self.assertEqual((self.wholes("lines"), self.wholes("document")), wholes)
        self.assertEqual(self.warnings(), [])

    def test_where_changes_do_not_fit_the_list_comes_whole(self):
        good = {"since": "d0", "token": "d1", "added": ["bad.test"], "removed": []}
        cases = (
            ("since another token", json.dumps({**good, "since": "d9"})),
            ("truncated", json.dumps(good)[:-9]),
            ("a page", "<html>log in</html>"),
            ("an unknown removal", json.dumps({**good, "removed": ["none.test"]})),
            ("added and removed", json.dumps({**good, "removed": ["bad.test"]})),
            ("removed twice", json.dumps({**good, "removed": ["b.document.test/p"] * 2})),
            ("everything removed", json.dumps({**good, "added": [], "removed": ["b.document.test/p",
                                               "c.document.test/p", "d.document.test/p"]})),
            ("a token of 1 MB", json.dumps({**good, "token": "x" * (1 << 20)})),
            ("a control character in the token", json.dumps({**good, "token": "d\u0007"})),
        )
        self.put_document("d0", [f"{name}.document.test/p" for name in "bcd"])
        self.weir.ctl("reload", "document")
        for number, (description, changes) in enumerate(cases):
            with self.subTest(description):
                refused, wholes = self.deltas("document", "refused"), self.wholes("document")
                self.put_document("d0", [f"{name}.document.test/p" for name in "bcd"] + [f"w{number}.test/p"])
                self.put("changes/document-d0", changes)
                self.run_until(lambda: self.blocks(f"w{number}.test/p"), "the whole list")
                self.assertGreater(self.wholes("document"), wholes)
                poll(lambda: self.deltas("document", "refused") > refused, what="the metric")
                told = poll(self.warnings, what="the warning")
                self.assertEqual(len(told), 1)
                self.assertIn("list document: fetched whole: https://127.0.0.1:8443/changes/document: ",
                              told[0]["message"])
                for secret in ("none.test", "bad.test", "document.test", "d0"):
                    self.assertNotIn(secret, told[0]["message"])
                self.assertFalse(self.blocks("bad.test"))

    def test_a_server_without_changes_since_then_is_no_fault(self):
        self.put("whole/lines", "".join(f"{name}.lines.test\n" for name in "bcde"))
        self.run_until(lambda: self.blocks("e.lines.test"), "the whole list")
        poll(lambda: self.deltas("lines", "expired"), what="the metric")
        self.assertEqual(self.warnings(), [])

    def test_a_server_that_fails_is_asked_for_the_whole_list_next(self):
        self.put("whole/lines", "".join(f"{name}.lines.test\n" for name in "bcde"))
        self.feed.fault("changes")
        self.run_until(lambda: self.lists()["lines"]["error"] or self.blocks("e.lines.test"), "a failed fetch")
        self.run_until(lambda: self.blocks("e.lines.test"), "the whole list")

    def test_kill_at_any_instant(self):
        """A token newer than the entries would lose changes. No token is, and the list is never fetched whole."""
        wholes = self.wholes("lines")
        entries = []
        for number in range(12):
            entries.append(f"k{number}.lines.test")
            current = len(entries)
            self.put_lines(f"l{current}", f"l{current}")
            for since in range(current):
                self.put_lines(f"l{since}", f"l{current}", entries[since:])
            self.weir.control.signal(signal.SIGUSR1)
            time.sleep(random.random() * 0.15)
            self.weir.kill(self.weir.control)
            self.weir.start_control()
        self.run_until(lambda: all(self.blocks(entry) for entry in entries), "every change")
        self.assertEqual(self.wholes("lines"), wholes)
        self.assertEqual(self.warnings(), [])
