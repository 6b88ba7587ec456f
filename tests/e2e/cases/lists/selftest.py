"""The self-test through the live workers: its report, its metric and its signed certificate."""

import base64
import json

from lab.case import LabCase
from lab.process import poll, run

_CANARY = "weir-canary.invalid"


class SelfTest(LabCase):
    first_list = ("news.test/forbidden", "listed.test")
    def setUp(self):
        # The snapshot reaches the dataplane before the commit.
        poll(lambda: self.weir.ctl("status", allow=(0, 1))["generation"] == self.weir.generation(),
             what="the first generation is committed")

    def selftest(self, allow=(0,)):
        return self.weir.ctl("selftest", allow=allow)

    def metric(self, name):
        """{labels: value} of a metric, as Prometheus reads it."""
        text = run(["curl", "-q", "-s", "http://127.0.0.1:9477/metrics"], self.wire.edge).stdout
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line.startswith(name + "{")}

    def test_every_worker_blocks_the_canary(self):
        answer = self.selftest()
        self.assertTrue(answer["passed"], answer)
        self.assertEqual(answer["protocols"], {"http": True, "tls": True, "quic": True})
        self.assertEqual(answer["generation"], self.weir.generation())
        self.assertEqual(answer["problems"], [])

    def test_it_is_made_without_being_asked_for(self):
        """After each change, so that the report is about what is active."""
        generation = self.weir.ctl("add", "fresh.test", "--list", "local")["generation"]
        status = poll(lambda: (answer := self.weir.ctl("status"))["selftest"]["generation"] == generation and answer,
                      10, what="a self-test of the new generation")
        self.assertTrue(status["selftest"]["passed"])
        self.assertTrue(status["healthy"], status["problems"])
        self.assertEqual(set(self.metric("weir_selftest_success").values()), {1.0})
        self.assertEqual(len(self.metric("weir_selftest_timestamp_seconds")), 3)

    def test_it_fails_when_nothing_is_blocked(self):
        for mode in ("monitor", "bypass"):
            self.weir.ctl("enforcement", mode)
            answer = self.selftest(allow=(1,))
            self.assertFalse(answer["passed"])
            self.assertIn(f"forward_{mode}", answer["problems"][0])
            self.assertEqual(answer["enforcement"], mode)
        self.weir.ctl("enforcement", "enforce")
        self.assertTrue(self.selftest()["passed"])

    def test_it_fails_when_too_much_is_blocked(self):
        self.weir.ctl("add", "weir-unlisted.invalid", "--list", "local")
        answer = self.selftest(allow=(1,))
        self.assertIn("the unlisted host did not pass", answer["problems"][0])
        status = poll(lambda: (answer := self.weir.ctl("status", allow=(0, 1)))["problems"] and answer, 10,
                      what="the status says so")
        self.assertEqual(status["problems"][0]["code"], "selftest_failed")
        self.weir.ctl("remove", "weir-unlisted.invalid", "--list", "local")
        poll(lambda: self.weir.ctl("status", allow=(0, 1))["healthy"], 10, what="all is well again")

    def test_the_wire_blocks_the_canary_too(self):
        self.assert_blocked_page(f"http://{_CANARY}/")
        self.assert_blocked_tls(f"https://{_CANARY}/")

    def test_nothing_of_it_is_on_the_wire(self):
        """Probes are not packets: nothing is received or sent."""
        self.assert_conserved()
        before = self.weir.conserved()[0]
        for _ in range(20):
            self.selftest()
        # Neighbour discovery and the like may appear, but 120 probes would stand out.
        self.assertLess(self.weir.conserved()[0] - before, 60)

    def test_certificate(self):
        file = self.directory / "report.json"
        written = self.weir.ctl("selftest", "--certificate", "--output", file)
        self.assertTrue(written["passed"])
        certificate = json.loads(file.read_text())
        report = json.loads(certificate["text"])
        self.assertEqual(report["generation"], self.weir.generation())
        self.assertTrue(report["self_test"]["passed"])
        self.assertEqual([entry["name"] for entry in report["lists"]], ["hotline", "local"])
        # It contains no entry.
        for secret in ("news.test", "listed.test", _CANARY):
            self.assertNotIn(secret, file.read_text())
        verified = self.weir.run("weirctl", "selftest", "--check-certificate", file)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertIn("the signature is good", verified.stdout)
        self.assertIn(written["key"], verified.stdout)

        key = self.directory / "public.pem"
        key.write_text(certificate["public_key"])
        self.assertEqual(self.weir.run("weirctl", "selftest", "--check-certificate", file, "--key", key).returncode, 0)
        # OpenSSL agrees.
        (self.directory / "text").write_text(certificate["text"])
        (self.directory / "signature").write_bytes(base64.b64decode(certificate["signature"]))
        checked = run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in",
                       self.directory / "text", "-sigfile", self.directory / "signature"], None)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

        certificate["text"] = certificate["text"].replace('"passed": true', '"passed": true ')
        file.write_text(json.dumps(certificate))
        forged = self.weir.run("weirctl", "selftest", "--check-certificate", file)
        self.assertEqual(forged.returncode, 1)
        self.assertIn("signature_bad", forged.stderr)
