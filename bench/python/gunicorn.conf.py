"""Three synchronous workers, as the reference's start script has. Says where it listens."""

bind = "127.0.0.1:0"
workers = 3


def when_ready(server):
    for listener in server.LISTENERS:
        host, port = listener.sock.getsockname()
        print(f"listening on http://{host}:{port}", flush=True)
