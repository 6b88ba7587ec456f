"""A real browser: headless Chromium, driven over its debugging pipe (the DevTools protocol)."""

import base64
import dataclasses
import fcntl
import json
import os
import select
import time

from .process import Process

# Chromium asks for https:// first wherever a page is asked for over http://, unless it is told not to.
_NO_UPGRADE = "HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable"
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
          "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
          "--disable-sync", "--disable-extensions", "--disable-breakpad", "--no-proxy-server",
          "--password-store=basic", "--hide-scrollbars", "--window-size=800,600", f"--disable-features={_NO_UPGRADE}",
          "--remote-debugging-pipe")


def _pipe():
    """Both ends above 9: clear of 3 and 4, which are given away below."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high


@dataclasses.dataclass
class Page:
    """What became of a visit. `error`: Chromium's name of why nothing loaded (net::ERR_...), else empty."""

    error: str
    status: int = 0
    protocol: str = ""  # as negotiated: "http/1.1", "h2", "h3"
    tls: str = ""
    body: str = ""


class Chromium:
    """One Chromium with a profile of its own below `directory`; a second one on the same profile remembers."""

    def __init__(self, namespace, directory, certificates, address, *flags, profile="chromium"):
        self._number = 0
        self._pending = b""
        self._events = []
        command_in, self._to = _pipe()
        self._from, answer_out = _pipe()
        home = directory / profile
        home.mkdir(exist_ok=True)
        command = ["chromium", *_FLAGS, f"--user-data-dir={home}/profile",
                   f"--host-resolver-rules=MAP *.test {address}, MAP * ~NOTFOUND",
                   f"--ignore-certificate-errors-spki-list={certificates.public_key_hash()}", *flags, "about:blank"]
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = ["bash", "-c", f'exec "$@" 3<&{command_in} 4>&{answer_out}', "chromium", *command]
        self.process = Process("chromium", shell, directory / f"{profile}.log", namespace,
                               pass_fds=(command_in, answer_out), HOME=home, XDG_CONFIG_HOME=home,
                               XDG_CACHE_HOME=home)
        os.close(command_in)
        os.close(answer_out)
        self._session = None
        target = next(info for info in self._wait_for_targets() if info["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network"):
            self._call(f"{domain}.enable")

    def _wait_for_targets(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = self._call("Target.getTargets", timeout=30)["targetInfos"]
            if any(info["type"] == "page" for info in found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"chromium opens no page within 30 s\n{self.process.tail()}")

    def visit(self, url, timeout=30, loaded=False):
        """Goes to `url` and returns when its document has come or failed; `loaded`: and all that belongs to it."""
        self._events.clear()
        navigated = self._call("Page.navigate", timeout=timeout, url=url)
        if navigated.get("errorText"):
            return Page(navigated["errorText"])
        mine = {"requestId": navigated["loaderId"]}
        response = self._event("Network.responseReceived", timeout, mine)["response"]
        self._event("Network.loadingFinished", timeout, mine)
        if loaded:
            self._event("Page.loadEventFired", timeout, {})
        body = self._call("Network.getResponseBody", **mine)
        text = base64.b64decode(body["body"]).decode() if body["base64Encoded"] else body["body"]
        return Page("", response["status"], response["protocol"],
                    response.get("securityDetails", {}).get("protocol", ""), text)

    def shown(self):
        """The text that the window shows."""
        return self._call("Runtime.evaluate", expression="document.body.innerText")["result"]["value"]

    def screenshot(self, file):
        """A picture (PNG) of the window."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def stop(self):
        """As when its window is closed: what it has learned is in its profile then."""
        if not self._to:
            return
        if self.process.running():
            self._send("Browser.close", {}, None)
            self.process.wait(20)
        os.close(self._to)
        os.close(self._from)
        self._to = None

    def _send(self, method, parameters, session):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._number

    def _call(self, method, timeout=20, **parameters):
        number = self._send(method, parameters, self._session)
        deadline = time.monotonic() + timeout
        while True:
            message = self._receive(deadline, method)
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"chromium: {method}: {message['error']['message']}")
                return message["result"]
            self._events.append(message)

    def _event(self, method, timeout, parameters):
        """The parameters of the next event of this kind that has these among them."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self._events:
                if event.get("method") == method and parameters.items() <= event["params"].items():
                    self._events.remove(event)
                    return event["params"]
            self._events.append(self._receive(deadline, method))

    def _receive(self, deadline, what):
        while b"\0" not in self._pending:
            if not select.select([self._from], [], [], max(0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"chromium: no {what} in time\n{self.process.tail()}")
            piece = os.read(self._from, 1 << 16)
            if not piece:
                raise AssertionError(f"chromium has ended before {what}\n{self.process.tail()}")
            self._pending += piece
        message, _, self._pending = self._pending.partition(b"\0")
        return json.loads(message)
