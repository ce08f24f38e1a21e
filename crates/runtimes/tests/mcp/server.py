"""An MCP server in nothing but the standard library, which behaves as its first argument says.

Each mode is a function below; `good` is the one that behaves.
"""

import json
import os
import sys
import threading
import time

OUT = threading.Lock()


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}))


def write(text):
    with OUT:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.005)


def touch(path):
    open(path, "w").close()


def tool(name, properties=None, required=(), **more):
    schema = {"type": "object", "properties": properties or {}, "required": list(required)}
    return {"name": name, "inputSchema": schema, **more}


TEXT = {"type": "string"}

TOOLS = [
    tool("echo", {"text": TEXT}, description="Gives its arguments back.",
         annotations={"readOnlyHint": True}, title="Echo"),
    tool("raw", {"value": {}}, description="The line that the request was.",
         outputSchema={"type": "object", "properties": {"line": TEXT}}),
    tool("pid", annotations={"idempotentHint": True}),
    tool("env"),
    tool("fail", {"text": TEXT}),
    tool("fail.with", {"error_code": TEXT}),
    tool("steps", {"count": {"type": "integer"}}),
    tool("log", {"level": TEXT, "text": TEXT}, ("text",)),
    tool("hold", {"begun": TEXT, "until": TEXT}),
    tool("cancelled", {"until": TEXT}),
    tool("leave", {"status": {"type": "integer"}, "begun": TEXT}),
    tool("grow"),
    tool("large", {"bytes": {"type": "integer"}}),
    tool("print", {"text": TEXT}),
    tool("ask", {"method": TEXT}),
]


class Server:
    version = "2025-11-25"
    threads = True

    def __init__(self):
        self.tools = list(TOOLS)
        self.cancelled = []
        self.answers = []

    # What clients ask for.

    def initialize(self, message):
        return {
            "protocolVersion": self.version,
            "capabilities": {"tools": {"listChanged": True}, "logging": {}},
            "serverInfo": {"name": "probe", "version": "1.2"},
            "instructions": "For tests.",
        }

    def list(self, message):
        return {"tools": self.tools}

    def call(self, message):
        params = message["params"]
        name = params["name"].replace(".", "_")
        known = [t["name"].replace(".", "_") for t in self.tools if isinstance(t, dict) and isinstance(t.get("name"), str)]
        act = getattr(self, "tool_" + name, None)
        if name not in known or act is None:
            return {"error": {"code": -32602, "message": "Unknown tool: " + params["name"]}}
        return act(params.get("arguments", {}), message)

    def handle(self, message):
        method, ident = message.get("method"), message.get("id")
        if method is None:
            self.answers.append(message)
            return
        if ident is None:
            if method == "notifications/cancelled":
                self.cancelled.append(message["params"]["requestId"])
            return
        acts = {"initialize": self.initialize, "tools/list": self.list,
                "tools/call": self.call, "ping": lambda message: {}}
        act = acts.get(method)
        if act is None:
            send({"id": ident, "error": {"code": -32601, "message": "Method not found"}})
            return
        result = act(message)
        if result is not None:
            self.answer(ident, result)

    def answer(self, ident, result):
        send({"id": ident, **(result if "error" in result else {"result": result})})

    def serve(self):
        for line in sys.stdin:
            message = json.loads(line)
            message["line"] = line
            if self.threads and message.get("method") == "tools/call":
                threading.Thread(target=self.handle, args=(message,), daemon=True).start()
            else:
                self.handle(message)

    # Tools.

    def tool_echo(self, arguments, message):
        return structured(arguments)

    def tool_raw(self, arguments, message):
        return structured({"line": message["line"].rstrip("\n")})

    def tool_pid(self, arguments, message):
        return text(str(os.getpid()))

    def tool_env(self, arguments, message):
        return structured({"env": dict(os.environ), "folder": os.getcwd()})

    def tool_fail(self, arguments, message):
        return {**text(arguments["text"]), "isError": True}

    def tool_fail_with(self, arguments, message):
        return {**structured(arguments), "isError": True}

    def tool_steps(self, arguments, message):
        token = message["params"]["_meta"]["progressToken"]
        for step in range(arguments["count"]):
            send({"method": "notifications/progress", "params": {
                "progressToken": token, "progress": step + 1,
                "total": arguments["count"], "message": "step"}})
        return text("done")

    def tool_log(self, arguments, message):
        send({"method": "notifications/message", "params": {
            "level": arguments.get("level", "info"), "logger": "parts",
            "data": arguments["text"]}})
        return text("done")

    def tool_hold(self, arguments, message):
        touch(arguments["begun"])
        wait_for(arguments["until"])
        return text("held")

    def tool_cancelled(self, arguments, message):
        while message["id"] not in self.cancelled:
            time.sleep(0.005)
        touch(arguments["until"])

    def tool_leave(self, arguments, message):
        if "begun" in arguments:
            touch(arguments["begun"])
        print("last words", file=sys.stderr, flush=True)
        os._exit(arguments.get("status", 3))

    def tool_grow(self, arguments, message):
        self.tools.append(tool("grown%d" % len(self.tools), description="Came later."))
        send({"method": "notifications/tools/list_changed"})
        return text("grown")

    def tool_large(self, arguments, message):
        return text("x" * arguments["bytes"])

    def tool_print(self, arguments, message):
        write(arguments["text"])
        print(arguments["text"], file=sys.stderr, flush=True)
        return text("printed")

    def tool_ask(self, arguments, message):
        before = len(self.answers)
        send({"id": "q1", "method": arguments["method"], "params": {}})
        while len(self.answers) == before:
            time.sleep(0.005)
        return structured({"answer": self.answers[-1]})


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def structured(value):
    return {**text(json.dumps(value)), "structuredContent": value}


# Modes.


def good():
    return Server()


def slow_to_start():
    wait_for(sys.argv[2])
    return Server()


def old():
    server = Server()
    server.version = "2024-11-05"
    return server


def single():
    """Does one thing at a time, and hears nothing meanwhile."""
    server = Server()
    server.threads = False
    return server


class Paged(Server):
    def list(self, message):
        at = int(message.get("params", {}).get("cursor", "0"))
        page = {"tools": self.tools[at:at + 2]}
        if at + 2 < len(self.tools):
            page["nextCursor"] = str(at + 2)
        return page


class Circular(Server):
    def list(self, message):
        return {"tools": self.tools[:1], "nextCursor": "again"}


class Endless(Server):
    def list(self, message):
        at = int(message.get("params", {}).get("cursor", "0"))
        return {"tools": [], "nextCursor": str(at + 1)}


class Modern(Server):
    """Speaks revision 2026-07-28 alone: no greeting, everything in `_meta`."""

    listening = None

    def handle(self, message):
        method, ident = message.get("method"), message.get("id")
        meta = message.get("params", {}).get("_meta", {})
        if method == "initialize":
            send({"id": ident, "error": {"code": -32601, "message": "no greeting here"}})
        elif method == "server/discover":
            self.answer(ident, {
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {"listChanged": True}}, "ttlMs": 0, "cacheScope": "private",
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "modern", "version": "3"}}})
        elif method == "subscriptions/listen":
            self.listening = ident
            send({"method": "notifications/subscriptions/acknowledged", "params": {
                "_meta": {"io.modelcontextprotocol/subscriptionId": ident},
                "notifications": {"toolsListChanged": True}}})
        elif ident is not None and "io.modelcontextprotocol/protocolVersion" not in meta:
            send({"id": ident, "error": {"code": -32600, "message": "no version in _meta"}})
        else:
            super().handle(message)

    def answer(self, ident, result):
        if "error" not in result:
            result = {"resultType": "complete", **result}
            if "tools" in result:
                result = {"ttlMs": 0, "cacheScope": "private", **result}
        super().answer(ident, result)

    def tool_grow(self, arguments, message):
        while self.listening is None:
            time.sleep(0.005)
        self.tools.append(tool("grown%d" % len(self.tools)))
        send({"method": "notifications/tools/list_changed", "params": {
            "_meta": {"io.modelcontextprotocol/subscriptionId": self.listening}}})
        return text("grown")


class Texts(Server):
    """Spells our ids as texts."""

    def answer(self, ident, result):
        super().answer(str(ident), result)


class Twice(Server):
    def answer(self, ident, result):
        super().answer(ident, result)
        super().answer(ident, {"error": {"code": -32603, "message": "again"}})
        super().answer(ident, text("again"))
        super().answer(ident + 100000, text("of nothing"))


class Batches(Server):
    def answer(self, ident, result):
        whole = {"jsonrpc": "2.0", "id": ident, "result": result}
        note = {"jsonrpc": "2.0", "method": "notifications/nothing"}
        write(json.dumps([note, whole]))


class Wrong(Server):
    """Answers its calls in ways that are none, as they ask for."""

    def answer(self, ident, result):
        how = result.get("structuredContent", {}).get("text")
        wrong = {
            "null": {"id": ident, "result": None},
            "both": {"id": ident, "result": None, "error": "boom"},
            "text": {"id": ident, "error": "boom"},
            "code": {"id": ident, "error": {"code": "x", "message": "boom"}},
        }
        if how == "batch":
            whole = {"jsonrpc": "2.0", "id": ident, "result": result}
            write(json.dumps([{"jsonrpc": "2.0", "foo": 1}, 7, whole]))
        elif how in wrong:
            send(wrong[how])
        else:
            super().answer(ident, result)


class Fleeting(Server):
    """Dies as soon as it has said what it has."""

    def answer(self, ident, result):
        super().answer(ident, result)
        if "tools" in result:
            os._exit(4)


class Changing(Server):
    """Takes a tool away while it runs."""

    def tool_hold(self, arguments, message):
        self.tools = [t for t in self.tools if t["name"] != "hold"]
        send({"method": "notifications/tools/list_changed"})
        return super().tool_hold(arguments, message)


class Storm(Server):
    """Notifies and asks without end."""

    def call(self, message):
        for _ in range(20000):
            send({"method": "notifications/tools/list_changed"})
            send({"method": "notifications/message", "params": {"level": "info", "data": "x" * 100}})
            send({"method": "notifications/resources/updated", "params": {"uri": "a:b"}})
            send({"id": "q", "method": "ping"})
        return super().call(message)


class Refusing(Server):
    def initialize(self, message):
        return {"error": {"code": -32000, "message": "not today"}}


class Odd(Server):
    """Answers the greeting with something else."""

    def initialize(self, message):
        return {"hello": "world"}


class NoList(Server):
    def list(self, message):
        return {"tools": "none"}


class NoTools(Server):
    def list(self, message):
        return {"error": {"code": -32601, "message": "Method not found"}}


class Many(Server):
    def __init__(self):
        super().__init__()
        self.tools += [tool("t%05d" % n, {"a": TEXT, "b": TEXT}) for n in range(10000)]


class Schemas(Server):
    def __init__(self):
        super().__init__()
        cyclic = {"type": "object", "properties": {"tree": {"$ref": "#/$defs/tree"}, "n": {"type": "integer"}},
                  "required": ["n"], "$defs": {"tree": {"type": "object", "properties": {"up": {"$ref": "#/$defs/tree"}}}}}
        deep = {"type": "string"}
        for _ in range(100):
            deep = {"type": "array", "items": deep}
        self.tools += [
            {"name": "cyclic", "inputSchema": cyclic},
            {"name": "huge", "description": "x" * 300000, "inputSchema": {}},
            {"name": "deep", "inputSchema": {"type": "object", "properties": {"p": deep}}},
            {"name": "list", "inputSchema": []},
            {"name": "text", "inputSchema": "object"},
            {"name": 42, "inputSchema": {}},
            {"inputSchema": {}},
            "no object",
            {"name": "bare"},
            {"name": "odd", "inputSchema": {"type": "object", "required": "all", "properties": ["a"]}},
            {"name": "union", "inputSchema": {"oneOf": [{"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}]}},
        ]


class Stubborn(Server):
    """Stays when its input ends, and when it is told to leave."""

    def serve(self):
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        super().serve()
        time.sleep(1000)


class Quiet(Server):
    """Hears nothing any more once a tool is called."""

    def serve(self):
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("method") == "tools/call" and message["params"]["name"] == "hold":
                touch(message["params"]["arguments"]["begun"])
                time.sleep(1000)
            message["line"] = line
            self.handle(message)


class Deaf(Server):
    """Reads nothing any more once it has listed its tools."""

    def list(self, message):
        with open(sys.argv[2], "a") as starts:
            starts.write("%d\n" % os.getpid())
        self.answer(message["id"], {"tools": self.tools})
        time.sleep(1000)


def garbage():
    while True:
        write("this is no message " + "x" * 1000)


def silent():
    time.sleep(1000)


def gone():
    print("I cannot start", file=sys.stderr, flush=True)
    sys.exit(7)


def closed():
    os.close(1)
    time.sleep(1000)


def chatty():
    write("Starting up ...")
    write("")
    return Server()


def floods():
    """Fills both of its outputs before it serves."""
    line = "flood " + "x" * 65000
    for _ in range(300):
        print(line, file=sys.stderr)
    return Server()


def long_line():
    """A line without an end."""
    while True:
        sys.stdout.write("x" * 65536)
        sys.stdout.flush()


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "good"
    act = globals()[mode]
    server = act()
    if server is not None:
        server.serve()


if __name__ == "__main__":
    main()
