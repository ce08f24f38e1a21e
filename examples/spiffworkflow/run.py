"""Runs process.bpmn through a Crosspoint and checks what came out. Exits 1 when something is wrong."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.util.task import TaskState

from delegate import CrosspointEngine


class Hotel(BaseHTTPRequestHandler):
    """The system behind the connector: one guest, a letter box, no rooms."""

    letters = []

    def do_GET(self):
        if self.path == "/guests/7?fields=name%2Cnights":
            self.answer(200, {"name": "Ada", "nights": 2})
        else:
            self.answer(404, {"reason": f"nothing at {self.path}"})

    def do_POST(self):
        letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.letters.append(letter)
        self.answer(201, {"number": len(self.letters)})

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def run(process, crosspoint, **data):
    """Runs a process of process.bpmn to its end and returns its data."""
    parser = SpiffBpmnParser()
    parser.add_bpmn_file(str(Path(__file__).with_name("process.bpmn")))
    workflow = BpmnWorkflow(parser.get_spec(process), script_engine=CrosspointEngine(crosspoint))
    workflow.get_next_task(state=TaskState.READY).set_data(**data)
    workflow.do_engine_steps()
    if not workflow.completed:
        sys.exit(f"wrong: process {process} did not reach its end")
    return workflow.data


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"wrong: {what} is {found!r}, and {wanted!r} was expected")
    print(f"  {what}: {found!r}")


def main():
    crosspoint = os.environ.get("CROSSPOINT_URL", "http://127.0.0.1:7004").rstrip("/")
    hotel = ThreadingHTTPServer(("127.0.0.1", 0), Hotel)
    threading.Thread(target=hotel.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{hotel.server_port}"

    data = run("welcome", crosspoint, hotel=address)
    expect("what the script wrote", data["letter"], {"to": "Ada", "text": "Welcome for 2 nights"})
    expect("what the hotel received", Hotel.letters, [data["letter"]])
    expect("status of the post", data["receipt"]["command_response"]["http_status"], 201)
    expect("way that was taken", data["room"], "none free")
    expect("code that was caught", data["problem"]["error_code"], "HttpError404")

    try:
        run("careless", crosspoint, hotel=address)
    except WorkflowTaskException as failure:
        expect("uncaught mistake", str(failure).split(":")[0], "TypeError")
    else:
        sys.exit("wrong: a call without its url was accepted")


if __name__ == "__main__":
    main()
