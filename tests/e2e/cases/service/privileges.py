"""What the dataplane may do while it forwards: as little as it needs."""

import json
import os
import pwd
import re
import unittest
from pathlib import Path

from lab.case import LabCase
from lab.process import poll

_NET_ADMIN = 1 << 12


def _status(path):
    return dict(line.split(":\t", 1) for line in Path(path, "status").read_text().splitlines() if ":\t" in line)


class Privileges(LabCase):
    first_list = ("news.test/forbidden", "listed.test")
    settings_options = {"user": "nobody"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # As in an installation: the directory of the socket belongs to the user.
        os.chown(cls.directory, pwd.getpwnam("nobody").pw_uid, -1)

    def test_privileges_are_gone(self):
        process = f"/proc/{self.weir.dataplane.pid}"
        user = pwd.getpwnam("nobody")
        main = _status(process)
        self.assertEqual(main["Uid"].split(), [str(user.pw_uid)] * 4)
        self.assertEqual(main["Gid"].split(), [str(user.pw_gid)] * 4)
        self.assertEqual(int(main["CapEff"], 16), _NET_ADMIN, "net_af_packet sits on interfaces of the kernel's")
        for task in Path(process, "task").iterdir():
            thread = _status(task)
            self.assertEqual((thread["NoNewPrivs"], thread["Seccomp"]), ("1", "2"), task)
            self.assertEqual(thread["Uid"].split()[1], str(user.pw_uid), task)
            if task.name != str(self.weir.dataplane.pid):
                self.assertEqual(int(thread["CapPrm"], 16), 0, task)
        limits = Path(process, "limits").read_text()
        self.assertRegex(limits, r"Max core file size\s+0\s+0")
        # In a container even root may be unable to raise the limit.
        locked = int(main["VmLck"].split()[0])
        if re.search(r"Max locked memory\s+unlimited", limits):
            self.assertGreater(locked, 0)
        else:
            self.assertEqual(locked, 0)
            self.assertIn("memory is not locked", self.weir.dataplane.output())

    def test_privileges_suffice(self):
        self.assert_passes("http://news.test/")
        self.assert_blocked_page("http://news.test/forbidden")
        self.assert_blocked_tls("https://listed.test/")
        self.weir.ctl("add", "news.test/added", "--list", "local")
        self.assert_blocked_page("http://news.test/added")
        self.weir.ctl("enforcement", "monitor")
        self.weir.ctl("enforcement", "enforce")
        self.wire.client.ip("link", "set", "lan0", "down")
        poll(lambda: not self.weir.ports()["network"]["link_up"], what="the other link is taken down")
        self.wire.client.ip("link", "set", "lan0", "up")
        poll(lambda: all(port["link_up"] for port in self.weir.status()["ports"]), what="both links")

    def test_privileges_suffice_to_stop(self):
        self.assertEqual(self.weir.dataplane.stop(), 0)
        self.assertFalse(self.weir.dataplane_socket.exists())
        self.weir.start_dataplane()


class NoSuchUser(LabCase):
    with_origin = False
    with_control = False

    def test_a_user_that_is_none_ends_the_start(self):
        self.weir.stop()
        self.weir.settings["dataplane"]["user"] = "no-such-user-of-weir"
        self.weir.configuration.write_text(json.dumps(self.weir.settings))
        done = self.weir.run("weir-dataplane", "--config", self.weir.configuration)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no user no-such-user-of-weir", done.stderr)


class Xdp(LabCase):
    """The system call filter allows what net_af_xdp needs to remove its program from the interface."""

    first_list = ("news.test/forbidden",)
    settings_options = {"driver": "af_xdp", "user": "nobody"}

    @classmethod
    def setUpClass(cls):
        try:
            super().setUpClass()
        except AssertionError as error:
            if "XDP" in str(error) or "af_xdp" in str(error):
                raise unittest.SkipTest("no AF_XDP in this kernel") from error
            raise
        os.chown(cls.directory, pwd.getpwnam("nobody").pw_uid, -1)

    def test_privileges_suffice_for_af_xdp(self):
        self.assert_blocked_page("http://news.test/forbidden")
        self.assertIn("xdp", self.wire.edge.ip("link", "show", "sub0"))
        self.assertEqual(self.weir.dataplane.stop(), 0)
        self.assertNotIn("xdp", self.wire.edge.ip("link", "show", "sub0"))
        self.weir.start_dataplane()
        self.assert_blocked_page("http://news.test/forbidden")
