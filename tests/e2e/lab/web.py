"""The real origin (nginx with HTTP, HTTPS, and HTTP/2 in cleartext on port 8082) and the real client (curl)."""

import dataclasses

from .certificates import Certificates
from .network import ORIGIN_V4, ORIGIN_V6
from .process import Process, poll, run

_ORIGIN = """\
user root;
daemon off;
master_process off;
error_log {directory}/origin-error.log notice;
pid {directory}/origin.pid;
events {{ worker_connections 4096; }}
http {{
    log_format page '$host $request_uri $status';
    access_log {directory}/access.log page;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    default_type text/plain;
    keepalive_requests 1000;
    server {{
        listen 80 reuseport backlog=4096;
        listen [::]:80 ipv6only=on;
        listen 8082 http2;
        listen [::]:8082 http2 ipv6only=on;
        listen 443 ssl;
        listen [::]:443 ssl ipv6only=on;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {directory}/origin.pem;
        ssl_certificate_key {directory}/origin.key;
        location / {{ return 200 "origin: $scheme://$host$request_uri\\n"; }}
        location /pages/ {{ root {directory}; default_type text/html; }}
        location /large {{ root {directory}/files; limit_rate {rate}; sendfile on; output_buffers 1 64k; }}
    }}
}}
"""


class Origin:
    """nginx in the origin namespace; its certificate holds for the names that the cases use."""

    def __init__(self, namespace, directory, large_bytes=0, rate="4m"):
        self.certificates = Certificates(directory)
        self.ca_file = self.certificates.ca_file
        self._access_log = directory / "access.log"
        self._namespace = namespace
        self.pages = directory / "pages"  # HTML below /pages/
        self.pages.mkdir()
        (directory / "files").mkdir()
        with open(directory / "files" / "large", "wb") as file:
            file.truncate(large_bytes)
        configuration = directory / "origin.conf"
        configuration.write_text(_ORIGIN.format(directory=directory, rate=rate))
        self.process = Process("nginx", ["nginx", "-c", configuration, "-e", directory / "origin-error.log"],
                               directory / "nginx.log", namespace)
        poll(self._listens, what="nginx answers")

    def _listens(self):
        if not self.process.running():
            raise RuntimeError(f"nginx does not start\n{self.process.tail()}")
        try:
            self._namespace.connect("127.0.0.1", 443).close()
            return True
        except OSError:
            return False

    def requests(self):
        """What reached nginx: lines of `host uri status`."""
        return self._access_log.read_text().splitlines()

    def connections(self):
        """Open connections to nginx."""
        return self._namespace.connections(80) + self._namespace.connections(443)


@dataclasses.dataclass
class Response:
    """What curl got. `exit_code` 0: a complete HTTP response."""

    exit_code: int
    error: str
    status: int
    headers: dict
    body: str


class Browser:
    """curl in the client namespace."""

    def __init__(self, namespace, ca_file, addresses=(ORIGIN_V4, ORIGIN_V6)):
        self._namespace = namespace
        self._ca_file = ca_file
        self._v4, self._v6 = addresses

    def get(self, url, *options, ipv6=False, timeout=10):
        host, _, port = url.split("://", 1)[1].split("/", 1)[0].partition(":")
        address = f"[{self._v6}]" if ipv6 else self._v4
        done = run(["curl", "-q", "--silent", "--show-error", "--include", "--max-time", timeout, "--noproxy", "*",
                    "--cacert", self._ca_file, "--resolve", f"{host}:80:{address}",
                    "--resolve", f"{host}:443:{address}", "--resolve", f"{host}:{port or 80}:{address}",
                    *options, url], self._namespace, timeout + 10)
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        status, headers = 0, {}
        for number, line in enumerate(head.splitlines()):
            if number == 0:
                status = int(line.split()[1])
            else:
                key, _, value = line.partition(":")
                headers[key.lower()] = value.strip()
        return Response(done.returncode, done.stderr.strip(), status, headers, body)
