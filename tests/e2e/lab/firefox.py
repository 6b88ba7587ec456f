"""A real browser: headless Firefox, which visits one page and ends."""

import shutil
import subprocess

from .process import run

_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.security.https_first": False,  # else http:// pages are asked for over https:// first
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.http.http3.disable_when_third_party_roots_found": False,
    "toolkit.telemetry.enabled": False,
}


def visit(namespace, directory, certificates, address, url, http3=""):
    """Loads `url` and all in it, every name being at `address`; AssertionError when it does not load.

    `http3`: origins that are known to speak HTTP/3, as `host;h3=:port`, commas between.
    """
    home = directory / "firefox"
    profile = home / "profile"
    profile.mkdir(parents=True)
    preferences = {**_PREFERENCES, "network.dns.forceResolve": address,
                   "network.http.http3.alt-svc-mapping-for-testing": http3}
    values = {True: "true", False: "false"}
    (profile / "user.js").write_text("".join(
        f'user_pref("{name}", {values[value] if isinstance(value, bool) else chr(34) + value + chr(34)});\n'
        for name, value in preferences.items()))
    database = f"sql:{profile}"
    subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True, capture_output=True)
    subprocess.run(["certutil", "-A", "-d", database, "-n", "weir", "-t", "C,,", "-i", certificates.ca_file],
                   check=True, capture_output=True)
    picture = home / "page.png"
    done = run(["env", f"HOME={home}", f"XDG_CACHE_HOME={home}", "firefox-esr", "--headless", "--no-remote",
                "--profile", profile, "--screenshot", picture, url], namespace, timeout=90)
    if done.returncode != 0 or not picture.exists():
        raise AssertionError(f"firefox: exit {done.returncode}: {done.stderr.strip()[-500:]}")
    shutil.rmtree(home)
