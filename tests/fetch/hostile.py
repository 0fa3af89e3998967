# SPDX-License-Identifier: Apache-2.0
"""hostile.py DIR: servers that do what a fetcher of keys may meet.

DIR has the certificates of certificates.sh. Each server answers on a port of its own of
127.0.0.1: "good", "expired", "stranger" and "other" are https with that certificate, "http"
is without TLS. Prints their ports as one line of JSON, then serves until standard input ends.

Each request is a line of JSON in DIR/requests: port, path and headers. DIR/live.json,
if it is there, is what /live serves; DIR/down makes all servers close connections at once.
"""
import gzip
import hashlib
import http.server
import json
import os
import ssl
import sys
import threading
import time
import warnings

DIR = sys.argv[1]
warnings.simplefilter("ignore", DeprecationWarning)
KEY = {"kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig",
       "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
       "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
KEYS = json.dumps({"keys": [KEY]})
SECRET = json.dumps({"keys": [{"kty": "oct", "kid": "one", "k": "A" * 86}]})
NONE = json.dumps({"keys": [{"kty": "new", "kid": "one"}]})
PAGE = "<!DOCTYPE html><title>Log in</title><form></form>"
ports = {}
changes = 0
lock = threading.Lock()


def at(name, path):
    return f"{'http' if name == 'http' else 'https'}://localhost:{ports[name]}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the client went away, as it should

    def answer(self, body, status=200, kind="application/json", **headers):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def metadata(self, issuer, keys="/keys", **more):
        self.answer(json.dumps({"issuer": self.here(issuer), "jwks_uri": self.here(keys), **more}))

    def here(self, path):
        return path if ":" in path else at(self.server.name, path)

    def redirect(self, location):
        self.answer("", 302, Location=location)

    def do_GET(self):
        with lock, open(os.path.join(DIR, "requests"), "a") as log:
            log.write(json.dumps({"server": self.server.name, "path": self.path,
                                  "headers": dict(self.headers)}) + "\n")
        if os.path.exists(os.path.join(DIR, "down")):
            self.connection.close()
            return
        head = self.path.split("/")[1].replace("-", "_")
        method = getattr(self, "get_" + head, None)
        if self.path.startswith("/.well-known/") or "/.well-known/" in self.path:
            self.well_known(self.path)
        elif method is None:
            self.answer("not here", 404, "text/plain")
        else:
            method()

    # ---- metadata ------------------------------------------------------------

    def well_known(self, path):
        openid = "/.well-known/openid-configuration"
        oauth = "/.well-known/oauth-authorization-server"
        documents = {
            "/openid" + openid: lambda: self.metadata("/openid"),
            "/live" + openid: lambda: self.metadata("/live", "/live"),
            "/rotating" + openid: lambda: self.metadata("/rotating", "/changing"),
            oauth + "/oauth": lambda: self.metadata("/oauth"),
            "/page" + openid: lambda: self.answer(PAGE, kind="text/html"),
            oauth + "/page": lambda: self.metadata("/page"),
            "/other" + openid: lambda: self.metadata("/openid"),
            "/slash" + openid: lambda: self.metadata("/slash/"),
            "/case" + openid: lambda: self.metadata("/Case"),
            "/without" + openid: lambda: self.answer(json.dumps({"issuer": self.here("/without")})),
            "/plain" + openid: lambda: self.metadata("/plain", at("http", "/keys")),
            "/file" + openid: lambda: self.metadata("/file", "file:///etc/passwd"),
            "/metadata" + openid: lambda: self.metadata("/metadata", "https://169.254.169.254/keys"),
            "/twice" + openid: lambda: self.answer(
                '{"issuer":"%s","issuer":"x","jwks_uri":"x"}' % self.here("/twice")),
            "/down" + openid: lambda: self.answer("", 503),
            openid: lambda: self.metadata("", "/keys"),
        }
        if path in documents:
            documents[path]()
        else:
            self.answer("not here", 404, "text/plain")

    # ---- keys ----------------------------------------------------------------

    def get_keys(self):
        self.answer(KEYS, ETag='"one"', Cache_Control="public, max-age=600")

    def get_tagged(self):
        if self.headers.get("If-None-Match") == '"tag"':
            self.answer("", 304)
        else:
            self.answer(KEYS, ETag='"tag"')

    def get_dated(self):
        date = "Sat, 01 Jan 2022 00:00:00 GMT"
        if self.headers.get("If-Modified-Since") == date:
            self.answer("", 304)
        else:
            self.answer(KEYS, Last_Modified=date)

    def get_live(self):
        with open(os.path.join(DIR, "live.json")) as file:
            keys = file.read()
        tag = '"%s"' % hashlib.sha256(keys.encode()).hexdigest()[:16]
        if self.headers.get("If-None-Match") == tag:
            self.answer("", 304, ETag=tag)
        else:
            self.answer(keys, ETag=tag)

    def get_changing(self):
        global changes
        with lock:
            changes += 1
            kid = f"number {changes}"
        self.answer(json.dumps({"keys": [{**KEY, "kid": kid}]}))

    def get_binary(self):
        self.answer(KEYS, kind="binary/octet-stream")

    def get_as_page(self):
        self.answer(KEYS, kind="text/html; charset=utf-8")

    def get_page(self):
        self.answer(PAGE, kind="text/html")

    def get_page_as_json(self):
        self.answer(PAGE)

    def get_secret(self):
        self.answer(SECRET)

    def get_none(self):
        self.answer(NONE)

    def get_half(self):
        self.answer(KEYS[:len(KEYS) // 2])

    def get_cut(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(KEYS)))
        self.end_headers()
        self.wfile.write(KEYS[:40].encode())
        self.close_connection = True

    def get_empty(self):
        self.answer("")

    def get_unasked_304(self):
        self.answer("", 304)

    def get_status(self):
        self.answer(KEYS, int(self.path.split("/")[2]))

    # ---- redirects -----------------------------------------------------------

    def get_to_http(self):
        self.redirect(at("http", "/keys"))

    def get_to_host(self):
        self.redirect(f"https://127.0.0.1:{self.server.server_port}/keys")

    def get_to_port(self):
        self.redirect(at("stranger", "/keys"))

    def get_to_file(self):
        self.redirect("file:///etc/passwd")

    def get_to_same(self):
        self.redirect("/keys")

    def get_to_itself(self):
        self.redirect("/to-itself")

    # ---- time and size -------------------------------------------------------

    def drip(self, octets):
        for octet in octets:
            self.wfile.write(bytes([octet]))
            self.wfile.flush()
            time.sleep(0.5)

    def get_slow_headers(self):
        self.drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")

    def get_slow_body(self):
        self.send_response(200)
        self.end_headers()
        self.drip(KEYS.encode())

    def get_silent(self):
        time.sleep(20)

    def get_closed(self):
        self.connection.close()

    def get_endless(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def get_endless_headers(self):
        self.send_response(200)
        self.flush_headers()
        while True:
            self.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")

    def get_large(self):
        self.answer(KEYS + " " * (512 * 1024 + 1 - len(KEYS)))

    def get_largest(self):
        self.answer(KEYS + " " * (512 * 1024 - len(KEYS)))

    def get_bomb(self):
        self.answer(gzip.compress(b" " * 64 * 1024 * 1024 + KEYS.encode()), Content_Encoding="gzip")

    def get_zipped(self):
        self.answer(gzip.compress(KEYS.encode()), Content_Encoding="gzip")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.context = None
        if name != "http":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(DIR, "good.pem" if name == "old" else name + ".pem"))
            if name == "old":
                self.context.maximum_version = ssl.TLSVersion.TLSv1_1
                self.context.minimum_version = ssl.TLSVersion.TLSv1
                self.context.set_ciphers("ALL:@SECLEVEL=0")
        ports[name] = self.server_port

    # In the thread of the request: a handshake that fails or hangs stops no other one.
    def process_request_thread(self, request, client_address):
        try:
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
        except OSError:
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, request, client_address):
        pass


servers = [Server(name) for name in ("good", "expired", "stranger", "other", "old", "http")]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps(ports), flush=True)
sys.stdin.read()
