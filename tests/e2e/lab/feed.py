"""The feed's server: nginx over TLS with each kind of login, its faults at the touch of a file, and a proxy."""

import socket
import subprocess
import threading

from .process import Process, poll, run

_CONFIGURATION = """\
user root;
daemon off;
master_process off;
error_log {directory}/error.log notice;
pid {directory}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    access_log {directory}/access.log;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    default_type text/plain;
    gzip_types text/plain;
    # With a variable in its name a certificate is read at each handshake: it can be changed while nginx runs.
    map $ssl_server_name $tls {{ default {directory}/tls; }}
    ssl_certificate $tls/server.pem;
    ssl_certificate_key $tls/server.key;
    server {{
        listen 127.0.0.1:8443 ssl;
        location /list/ {{
            root {directory}/pages;
            auth_basic "feed"; auth_basic_user_file {directory}/users;
            if (-f {directory}/fault/status) {{ return 500; }}
            if (-f {directory}/fault/same) {{ return 304; }}
            if (-f {directory}/fault/later) {{ return 503; }}
            if (-f {directory}/fault/redirect) {{ return 302 http://127.0.0.1:8081/list/list.csv; }}
            if (-f {directory}/fault/slow) {{ set $limit_rate 8; }}
            if (-f {directory}/fault/packed) {{ gzip on; }}
            if (-f {directory}/fault/cut) {{ proxy_pass http://127.0.0.1:8090; }}
            error_page 503 = @later;
        }}
        location @later {{ add_header Retry-After 3600 always; return 503; }}
        # Whole lists, and what changed since a token: /changes/NAME?since=TOKEN is the file changes/NAME-TOKEN.
        location /whole/ {{
            root {directory}/pages;
            auth_basic "feed"; auth_basic_user_file {directory}/users;
            add_header X-Feed-Token $arg_token;
        }}
        location ~ ^/changes/(?<changed>[a-z]+)$ {{
            root {directory}/pages;
            auth_basic "feed"; auth_basic_user_file {directory}/users;
            if (-f {directory}/fault/changes) {{ return 500; }}
            try_files /changes/$changed-$arg_since =410;
        }}
        location /bearer/ {{
            root {directory}/pages;
            if ($http_authorization != "Bearer let-me-in") {{ return 401; }}
        }}
    }}
    server {{
        listen 127.0.0.1:8445 ssl;
        ssl_client_certificate {directory}/ca.pem;
        ssl_verify_client on;
        location / {{ root {directory}/pages; }}
    }}
    server {{
        listen 127.0.0.1:8081;
        access_log {directory}/clear.log;
        location / {{ root {directory}/pages; }}
    }}
}}
"""


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class FeedServer:
    """Serves `pages` from the namespace's 127.0.0.1: 8443 (basic below /list/, bearer below /bearer/), 8445 (client
    certificate), and a proxy on 8091. `fault(NAME)` switches a fault on, `heal()` all of them off."""

    USER, PASSWORD, TOKEN = "isp", "open sesame", "let-me-in"

    def __init__(self, namespace, directory):
        self.directory = directory / "feed"
        self.pages = self.directory / "pages"
        for part in ("pages/list", "pages/bearer", "pages/client", "pages/whole", "pages/changes", "fault", "tls"):
            (self.directory / part).mkdir(parents=True)
        self.ca_file = self.directory / "ca.pem"
        self._certificates()
        self.set_password(self.PASSWORD)
        (self.directory / "password").write_text(self.PASSWORD + "\n")
        (self.directory / "token").write_text(self.TOKEN + "\n")
        self.tunnels = 0
        self._namespace = namespace
        for port, serve in ((8090, self._cut), (8091, self._tunnel)):
            with namespace.entered():
                listener = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()
        configuration = self.directory / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(directory=self.directory))
        self.process = Process("feed", ["nginx", "-c", configuration, "-e", self.directory / "error.log"],
                               self.directory / "nginx.log", namespace)
        poll(self._listens, what="the feed's nginx answers")

    def _listens(self):
        if not self.process.running():
            raise RuntimeError(f"nginx does not start\n{self.process.tail()}")
        try:
            self._namespace.connect("127.0.0.1", 8443).close()
            return True
        except OSError:
            return False

    def _certificates(self):
        fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        _openssl("req", "-x509", *fresh, "-subj", "/CN=Weir feed CA", "-keyout", self.directory / "ca.key", "-out",
                 self.ca_file)
        for name, alternative in (("good", "IP:127.0.0.1"), ("other", "DNS:other.test"), ("client", "DNS:client.test")):
            _openssl("req", "-x509", *fresh, "-subj", f"/CN={name}", "-CA", self.ca_file, "-CAkey",
                     self.directory / "ca.key", "-addext", f"subjectAltName={alternative}", "-addext",
                     "basicConstraints=critical,CA:FALSE", "-keyout", self.directory / f"{name}.key", "-out",
                     self.directory / f"{name}.pem")
        self.use_certificate("good")

    def use_certificate(self, name):
        for kind in ("key", "pem"):
            (self.directory / "tls" / f"server.{kind}").write_bytes((self.directory / f"{name}.{kind}").read_bytes())

    def set_password(self, password):
        hashed = run(["openssl", "passwd", "-apr1", password], check=True).stdout.strip()
        (self.directory / "users").write_text(f"{self.USER}:{hashed}\n")

    def fault(self, name):
        (self.directory / "fault" / name).touch()

    def heal(self):
        for name in (self.directory / "fault").iterdir():
            name.unlink()
        self.use_certificate("good")
        self.set_password(self.PASSWORD)

    def requests(self):
        return (self.directory / "access.log").read_text().splitlines()

    def requests_in_clear(self):
        return (self.directory / "clear.log").read_text().splitlines()

    @staticmethod
    def _accept(listener, serve):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _cut(connection):
        """Promises more than it sends."""
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nid,url\r\n1,")

    def _tunnel(self, connection):
        """CONNECT, as a proxy does it."""
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(4096)
            method, target, _ = head.split(b"\r\n")[0].split()
            host, _, port = target.decode().rpartition(":")
            if method != b"CONNECT":
                return
            with self._namespace.connect(host, int(port)) as server:
                self.tunnels += 1
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=self._copy, args=(server, connection), daemon=True)
                back.start()
                self._copy(connection, server)
                back.join()

    @staticmethod
    def _copy(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
