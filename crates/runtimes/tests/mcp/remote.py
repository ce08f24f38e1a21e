"""The servers of server.py over HTTP: the transport `streamable HTTP`, as its options say.

    remote.py MODE [json|events] [token=SECRET] [expire=N] [stateless] [no-get] [away=URL] [page]

Prints the port that it listens on, and then a line for each request: method, session, status.
"""

import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import server

OPTIONS = sys.argv[2:]
TOKEN = next((o.split("=")[1] for o in OPTIONS if o.startswith("token=")), None)
AWAY = next((o.split("=", 1)[1] for o in OPTIONS if o.startswith("away=")), None)
EXPIRE = next((int(o.split("=")[1]) for o in OPTIONS if o.startswith("expire=")), None)

HERE = threading.local()
LOCK = threading.Lock()
SESSIONS = {}
STREAMS = []
SERVER = getattr(server, sys.argv[1])()


def send(message):
    message = {"jsonrpc": "2.0", **message}
    is_answer = "id" in message and "method" not in message
    if is_answer or (HERE.stream is not None and "progress" in message.get("method", "")):
        HERE.out(message)
        return
    with LOCK:
        streams = list(STREAMS)
    for stream in streams:
        stream(message)


server.send = send


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def told(self, status):
        session = self.headers.get("Mcp-Session-Id") or "-"
        with LOCK:
            print(self.command, session, status, flush=True)

    def plain(self, status, body=b"", kind="text/plain", **headers):
        self.told(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refused(self):
        if TOKEN is not None and self.headers.get("Authorization") != "Bearer " + TOKEN:
            self.plain(401, b"who are you?", WWW_Authenticate="Bearer")
            return True
        return False

    def known(self):
        """Whether the session counts, which ends after so many requests."""
        if "stateless" in OPTIONS:
            return True
        session = self.headers.get("Mcp-Session-Id")
        with LOCK:
            if session not in SESSIONS:
                return False
            SESSIONS[session] += 1
            if EXPIRE is not None and SESSIONS[session] > EXPIRE:
                del SESSIONS[session]
                return False
        return True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.refused():
            return
        message = json.loads(body)
        message["line"] = body.decode()
        headers = {}
        if message.get("method") == "initialize" and "stateless" not in OPTIONS:
            session = uuid.uuid4().hex
            with LOCK:
                SESSIONS[session] = 0
            headers["Mcp_Session_Id"] = session
        elif not self.known():
            self.plain(404, b"no such session")
            return
        if "id" not in message or "method" not in message:
            HERE.stream, HERE.out = None, lambda message: None
            SERVER.handle(message)
            self.plain(202)
        elif AWAY is not None and message["method"] == "tools/call":
            self.plain(307, Location=AWAY)
        elif "page" in OPTIONS and message["method"] == "tools/call":
            self.plain(200, b"<h1>Log in", "text/html")
        elif "events" in OPTIONS and message["method"] == "tools/call":
            self.stream_answer(message, headers)
        else:
            answers = []
            HERE.stream, HERE.out = None, answers.append
            SERVER.handle(message)
            self.plain(200, json.dumps(answers[-1]).encode(), "application/json", **headers)

    def begin_stream(self):
        self.told(200)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, message):
        text = ": a comment\n\ndata: %s\n\n" % json.dumps(message)
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def stream_answer(self, message, headers):
        self.begin_stream()
        HERE.stream, HERE.out = self, self.event
        SERVER.handle(message)
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        if self.refused():
            return
        if "no-get" in OPTIONS or not self.known():
            self.plain(405)
            return
        self.begin_stream()
        gone = threading.Event()

        def stream(message):
            try:
                self.event(message)
            except OSError:
                gone.set()
        with LOCK:
            STREAMS.append(stream)
        gone.wait()

    def do_DELETE(self):
        with LOCK:
            SESSIONS.pop(self.headers.get("Mcp-Session-Id"), None)
        self.plain(200)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


httpd = Server(("127.0.0.1", 0), Handler)
print(httpd.server_address[1], flush=True)
httpd.serve_forever()
