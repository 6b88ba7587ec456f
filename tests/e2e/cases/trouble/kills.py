"""The control daemon killed at any moment, and a full disk: after each start, what was acknowledged is active."""

import os
import random
import subprocess
import threading
import time

from lab import cleanup
from lab.case import LabCase
from lab.process import Process, poll
from lab.weir import RpcError, call

_KILLS = int(os.environ.get("WEIR_KILLS", "300"))
_KILLS_BETWEEN_CHECKS = 25
_LONGEST_LIFE_SECONDS = 0.3
_SEED = int(os.environ.get("WEIR_KILLS_SEED", str(time.time_ns())))


class Kills(LabCase):
    first_list = ("news.test/forbidden", "list0.test")

    def setUp(self):
        self.written = 0       # number of the newest list at the feed
        self.loaded = 0        # of the newest list whose reload was acknowledged
        self.added = []        # ids of acknowledged rules
        self.generation = 0    # of the newest acknowledged update
        self.answered = threading.Event()  # set: this life has acknowledged something

    def change_until_killed(self):
        """Changes lists as long as somebody answers."""
        while True:
            try:
                if not self.control.running():
                    return
                number = self.written + 1
                self.weir.write_list("news.test/forbidden", f"list{number}.test")
                self.written = number
                added = call(self.weir.control_socket, "rule.add",
                             {"list": "local", "entry": f"added{number}.test", "action": "block", "comment": "kills"})
                self.added.append(added["rule"])
                self.generation = added["generation"]
                self.generation = call(self.weir.control_socket, "list.reload", {"list": "hotline"})["generation"]
                self.loaded = number
                self.answered.set()
            except (OSError, ValueError):  # it does not run yet, or no longer
                time.sleep(0.002)
            except RpcError as error:
                # At the start: an entry whose call was killed before its answer; a feed that is not loaded yet.
                if error.code not in ("rule_exists", "busy", "lists_incomplete"):
                    self.unexpected.append(error.code)
                    return

    def start(self):
        self.control = Process("weir-control", [self.weir.program("weir-control"), "--config", self.weir.configuration],
                               self.directory / "kills.log", self.wire.edge)
        self.weir.control = self.control

    def check(self):
        """The daemon continues where it stopped, and everything that it had acknowledged is there."""
        self.start()
        poll(lambda: self.weir._answers(self.control, self.weir.control_socket), 20, what="weir-control answers")
        status = poll(lambda: (answer := self.weir.ctl("status", allow=(0, 1)))["generation"] == self.weir.generation()
                      and answer, 20, what="the generation of the state is in force")
        self.assertGreaterEqual(status["generation"], self.generation)
        rules, cursor = set(), None
        while True:
            page = call(self.weir.control_socket, "rule.list",
                        {"list": "local", "limit": 1000, **({"cursor": cursor} if cursor else {})})
            rules |= {rule["id"] for rule in page["rules"]}
            cursor = page.get("cursor")
            if not cursor:
                break
        self.assertEqual(set(self.added) - rules, set(), "acknowledged rules that are lost")
        poll(lambda: any(self.weir.ctl("check", f"list{number}.test")["verdict"] == "block"
                         for number in range(self.loaded, self.written + 1)), 20, what="the newest list is in force")
        verified = self.weir.run("weirctl", "--socket", self.weir.control_socket, "audit", "--verify")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.weir.kill(self.control)

    def test_killed_at_any_instant(self):
        chance = random.Random(_SEED)
        self.unexpected = []
        self.weir.kill(self.weir.control)
        for kill in range(1, _KILLS + 1):
            self.answered.clear()
            self.start()
            changing = threading.Thread(target=self.change_until_killed)
            changing.start()
            # Every other life ends in the midst of changes, however long the daemon takes to start on this machine.
            if kill % 2 == 0:
                self.assertTrue(self.answered.wait(20), f"nothing was acknowledged within 20 s; {self.unexpected}")
            time.sleep(chance.uniform(0, _LONGEST_LIFE_SECONDS))
            self.weir.kill(self.control)
            changing.join()
            self.assertEqual(self.unexpected, [], f"seed {_SEED}")
            self.assertGreaterEqual(self.weir.generation(), self.generation, f"kill {kill}, seed {_SEED}")
            self.assert_blocked_page("http://news.test/forbidden")
            if kill % _KILLS_BETWEEN_CHECKS == 0:
                self.check()
        self.assertNotIn("damaged", (self.directory / "kills.log").read_text())


class FullDisk(LabCase):
    """State and snapshots on a disk of 12 MiB."""

    first_list = ("news.test/forbidden",)

    @classmethod
    def make_directory(cls):
        directory = super().make_directory()
        state = directory / "state"
        state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0755", "weir-e2e", state], check=True)
        undo = cleanup.on_exit(lambda: subprocess.run(["umount", "-l", state], check=True))
        cls.addClassCleanup(lambda: (cleanup.done(undo), undo()))
        return directory

    def test_a_full_disk_changes_nothing(self):
        generation = poll(self.weir.generation, what="a generation")
        self.weir.write_list("news.test/forbidden", *(f"host{number}.of-a-long-list.test/{'p' * 40}{number}"
                                                      for number in range(400_000)))
        done = self.weir.run("weirctl", "--socket", self.weir.control_socket, "reload", "hotline", timeout=120)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("No space left", done.stderr)
        self.assertEqual(self.weir.generation(), generation)
        self.assert_blocked_page("http://news.test/forbidden")
        # The attempt leaves nothing in the way, and a restart finds the last good list.
        self.weir.kill(self.weir.control)
        self.weir.write_list("news.test/forbidden", "listed.test")
        self.weir.start_control()
        self.weir.ctl("reload", "hotline")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")
