"""A real origin with HTTP/3: Caddy, beside HTTP/1.1 and HTTP/2 over TLS on the same port."""

import json

from .certificates import Certificates
from .process import Process, poll

_CADDYFILE = """\
{{
    admin off
    auto_https off
    storage file_system {directory}/caddy
    servers {{
        protocols h1 h2 h3
    }}
    log default {{
        output file {directory}/caddy-server.log
    }}
}}
:{port} {{
    tls {certificates.certificate} {certificates.key}
    log {{
        output file {directory}/caddy-access.log
        format json
    }}
    respond "caddy: {{scheme}}://{{host}}{{uri}}"
}}
"""


class Caddy:
    """Caddy in the origin namespace. Its certificate is taken whatever name is asked for."""

    def __init__(self, namespace, directory, certificates, port=443):
        self._access_log = directory / "caddy-access.log"
        self._namespace = namespace
        self._port = port
        configuration = directory / "Caddyfile"
        configuration.write_text(_CADDYFILE.format(directory=directory, certificates=certificates, port=port))
        self.process = Process("caddy", ["caddy", "run", "--adapter", "caddyfile", "--config", configuration],
                               directory / "caddy.log", namespace, HOME=directory, XDG_CONFIG_HOME=directory,
                               XDG_DATA_HOME=directory)
        poll(self._listens, 20, what="caddy answers")

    def _listens(self):
        if not self.process.running():
            raise RuntimeError(f"caddy does not start\n{self.process.tail()}")
        try:
            self._namespace.connect("127.0.0.1", self._port).close()
            return True
        except OSError:
            return False

    def requests(self):
        """What reached Caddy: lines of `protocol host uri status`."""
        if not self._access_log.exists():
            return []
        entries = [json.loads(line) for line in self._access_log.read_text().splitlines()]
        return [f"{entry['request']['proto']} {entry['request']['host']} {entry['request']['uri']} {entry['status']}"
                for entry in entries]


class CaddyOrigin:
    """In front of LabCase: the origin is Caddy, which would accept HTTP/3."""

    with_origin = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = Certificates(cls.directory)
        cls.origin = Caddy(cls.wire.origin, cls.directory, cls.certificates)
        cls.addClassCleanup(cls.origin.process.stop)
