"""The real servers, each on a port of the loopback of one namespace, in the configuration of its package as far as that
goes. Each serves the mark for what is listed, and something else otherwise."""

import re
import shutil

from lab.certificates import Certificates
from lab.process import Process, poll

from .names import LISTED_HOST, LISTED_PAGE, MARK, PAGE_HOST

_MARK = MARK.decode()

_NGINX = """\
user root; daemon off; worker_processes 1; error_log /dev/null; pid {directory}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    default_type text/plain; keepalive_timeout 2s; client_header_timeout 2s; client_body_timeout 2s; lingering_close off;
    server {{ listen 127.0.0.1:{http} default_server; location / {{ return 200 "other"; }} }}
    server {{ listen 127.0.0.1:{http}; server_name {host}; location / {{ return 200 "{mark}"; }} }}
    server {{ listen 127.0.0.1:{http}; server_name {page_host}; location / {{ return 200 "other"; }}
              location = {page} {{ return 200 "{mark}"; }} }}
    server {{ listen 127.0.0.1:{tls} ssl default_server; ssl_reject_handshake on; }}
    server {{ listen 127.0.0.1:{tls} ssl; server_name {host}; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
              ssl_certificate {directory}/origin.pem; ssl_certificate_key {directory}/origin.key; return 200 "{mark}"; }}
}}
"""

_APACHE = """\
ServerRoot {directory}
ServerName localhost
PidFile {directory}/apache.pid
ErrorLog /dev/null
DefaultRuntimeDir {directory}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
User nobody
Group nogroup
Timeout 2
KeepAliveTimeout 2
Listen 127.0.0.1:{http}
<VirtualHost *:{http}>
  DocumentRoot {directory}/other
</VirtualHost>
<VirtualHost *:{http}>
  ServerName {host}
  DocumentRoot {directory}/listed
</VirtualHost>
<VirtualHost *:{http}>
  ServerName {page_host}
  DocumentRoot {directory}/news
</VirtualHost>
<Directory {directory}>
  Require all granted
  FallbackResource disabled
</Directory>
"""

_LIGHTTPD = """\
server.port = {http}
server.bind = "127.0.0.1"
server.document-root = "{directory}/other"
server.errorlog = "/dev/null"
server.max-keep-alive-idle = 2
server.max-read-idle = 2
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html" )
$HTTP["host"] =~ "^{host_pattern}(:[0-9]*)?$" {{ server.document-root = "{directory}/listed" }}
$HTTP["host"] =~ "^{page_host_pattern}(:[0-9]*)?$" {{ server.document-root = "{directory}/news" }}
"""

_HAPROXY = """\
global
  maxconn 8192
defaults
  mode http
  timeout client 2s
  timeout connect 2s
  timeout server 2s
  timeout http-request 2s
frontend web
  bind 127.0.0.1:{http}
  http-request return status 200 content-type text/plain string {mark} if {{ req.hdr(host),host_only -i {host} }}
  http-request return status 200 content-type text/plain string {mark} if {{ req.hdr(host),host_only -i {page_host} }} {{ path {page} }}
  http-request return status 200 content-type text/plain string other
"""

_CADDY = """\
{{
    admin off
    auto_https off
    storage file_system {directory}/caddy
    log default {{
        output discard
    }}
}}
http://:{http} {{
    bind 127.0.0.1
    respond "other"
}}
http://{host}:{http} {{
    bind 127.0.0.1
    respond "{mark}"
}}
http://{page_host}:{http} {{
    bind 127.0.0.1
    @page path_regexp ^{page_pattern}$
    respond @page "{mark}"
    respond "other"
}}
https://{host}:{tls} {{
    bind 127.0.0.1
    tls {directory}/origin.pem {directory}/origin.key
    respond "{mark}"
}}
"""

_NODE = """\
const serve = (request, response) => {{
  const host = (request.headers.host || "").replace(/:[0-9]*$/, "").toLowerCase();
  const path = request.url.replace(/[?#].*$/, "");
  const listed = host === "{host}" || (host === "{page_host}" && path === "{page}");
  response.end(listed ? "{mark}" : "other");
}};
const server = require("http").createServer({{ keepAliveTimeout: 2000, headersTimeout: 2000, requestTimeout: 2000 }}, serve);
server.listen({http}, "127.0.0.1");
"""

_PYTHON = """\
import http.server, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 2
    def read_body(self):
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
        try:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
        except ValueError:
            self.close_connection = True
    def do_GET(self):
        self.read_body()
        host = (self.headers.get("Host") or "").strip().lower().partition(":")[0]
        path = self.path.partition("?")[0]
        listed = host == "{host}" or (host == "{page_host}" and path == "{page}")
        body = b"{mark}" if listed else b"other"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET
    def log_message(self, *arguments): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 4096
    daemon_threads = True
    def handle_error(self, *arguments): pass
Server(("127.0.0.1", {http}), Handler).serve_forever()
"""


class Server:
    """A program that answers on `port`; `reads`: "http" or "tls"."""

    def __init__(self, name, reads, port, process):
        self.name = name
        self.reads = reads
        self.port = port
        self.process = process


class Servers:
    """All servers whose programs are installed, or those of `wanted` (program names); `missing` names the others."""

    def __init__(self, namespace, directory, wanted=None):
        self._namespace = namespace
        self._directory = directory
        self._port = 8000
        self.all = []
        self.missing = []
        Certificates(directory)
        directory.chmod(0o711)  # Apache serves as nobody
        for name, page, body in (("other", LISTED_PAGE, None), ("listed", "/index.html", _MARK), ("news", LISTED_PAGE, _MARK)):
            root = directory / name
            (root / page[1:]).parent.mkdir(parents=True)
            (root / "index.html").write_text("other")
            if body:
                (root / page[1:]).write_text(body)
        for program, start in (("nginx", self._nginx), ("apache2", self._apache), ("lighttpd", self._lighttpd),
                               ("haproxy", self._haproxy), ("caddy", self._caddy), ("node", self._node),
                               ("python3", self._python), ("openssl", self._openssl), ("gnutls-serv", self._gnutls)):
            if wanted and program not in wanted:
                continue
            # Debian has some of them where only root looks.
            path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
            if path:
                start(path)
            else:
                self.missing.append(program)
        for server in self.all:
            poll(lambda server=server: self._answers(server), 30, what=f"{server.name} answers")

    def of(self, reads):
        return [server for server in self.all if server.reads == reads]

    def stop(self):
        for process in {server.process for server in self.all}:
            process.kill()

    def _answers(self, server):
        if not server.process.running():
            raise RuntimeError(f"{server.name} does not start\n{server.process.tail()}")
        try:
            self._namespace.connect("127.0.0.1", server.port).close()
            return True
        except OSError:
            return False

    def _next_port(self):
        self._port += 1
        return self._port

    def _write(self, name, template, **more):
        http, tls = self._next_port(), self._next_port()
        file = self._directory / name
        file.write_text(template.format(directory=self._directory, http=http, tls=tls, host=LISTED_HOST, page_host=PAGE_HOST,
                                        page=LISTED_PAGE, mark=_MARK, host_pattern=re.escape(LISTED_HOST),
                                        page_host_pattern=re.escape(PAGE_HOST), page_pattern=re.escape(LISTED_PAGE), **more))
        return file, http, tls

    def _start(self, name, command, ports, **environment):
        process = Process(name, command, self._directory / f"{name}.log", self._namespace, **environment)
        self.all += [Server(name, reads, port, process) for reads, port in ports.items()]

    def _nginx(self, path):
        file, http, tls = self._write("nginx.conf", _NGINX)
        self._start("nginx", [path, "-c", file, "-e", "/dev/null"], {"http": http, "tls": tls})

    def _apache(self, path):
        file, http, _ = self._write("apache.conf", _APACHE, modules="/usr/lib/apache2/modules")
        self._start("apache2", [path, "-f", file, "-DFOREGROUND"], {"http": http})

    def _lighttpd(self, path):
        file, http, _ = self._write("lighttpd.conf", _LIGHTTPD)
        self._start("lighttpd", [path, "-D", "-f", file], {"http": http})

    def _haproxy(self, path):
        file, http, _ = self._write("haproxy.conf", _HAPROXY)
        self._start("haproxy", [path, "-db", "-f", file], {"http": http})

    def _caddy(self, path):
        file, http, tls = self._write("Caddyfile", _CADDY)
        self._start("caddy", [path, "run", "--adapter", "caddyfile", "--config", file], {"http": http, "tls": tls},
                    HOME=self._directory, XDG_CONFIG_HOME=self._directory, XDG_DATA_HOME=self._directory)

    def _node(self, path):
        file, http, _ = self._write("node.js", _NODE)
        self._start("node", [path, file], {"http": http})

    def _python(self, path):
        file, http, _ = self._write("server.py", _PYTHON)
        self._start("python", [path, file], {"http": http})

    def _openssl(self, path):
        port = self._next_port()
        certificate, key = self._directory / "origin.pem", self._directory / "origin.key"
        self._start("openssl", [path, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate, "-key", key, "-cert2",
                                certificate, "-key2", key, "-servername", LISTED_HOST, "-servername_fatal", "-quiet"],
                    {"tls": port})

    def _gnutls(self, path):
        port = self._next_port()
        self._start("gnutls", [path, "--port", str(port), "--x509certfile", self._directory / "origin.pem", "--x509keyfile",
                               self._directory / "origin.key", "--sni-hostname", LISTED_HOST, "--sni-hostname-fatal",
                               "--quiet"], {"tls": port})
