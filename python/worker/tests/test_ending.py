"""How a worker ends, by its host's will and without it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import unittest

from harness import PATIENCE, WORKER, Worker


def started(**options):
    worker = Worker(**options)
    worker.load("connector_wild", threads=4)
    return worker


def wait_for_end_of(pipe):
    """Returns when every process that holds the other end of the pipe has ended."""
    while True:
        ready, _, _ = select.select([pipe], [], [], PATIENCE)
        if not ready:
            raise AssertionError("a process still holds the pipe")
        if not os.read(pipe.fileno(), 4096):
            return


class Ending(unittest.TestCase):
    def test_the_end_of_the_host_ends_the_worker_and_its_children(self):
        with started() as worker:
            code = "child = subprocess.Popen(['sleep', '600'])\nprint('child', child.pid)\ntime.sleep(600)"
            worker.begin("wild/Run", {"code": code})
            worker.wait_for_log(lambda log: log["message"].startswith("child"))
            worker.socket.close()
            # The child inherited standard output, so its end is the end of both.
            wait_for_end_of(worker.process.stdout)
            self.assertEqual(worker.process.wait(PATIENCE), -signal.SIGKILL)

    def test_the_end_of_the_host_is_seen_while_a_quick_command_is_stuck(self):
        with started() as worker:
            for _ in range(20):
                worker.result("wild/Quick")
            worker.begin("wild/Quick", {"wait": True})
            worker.wait_for_log(lambda log: True)
            worker.socket.close()
            self.assertEqual(worker.process.wait(PATIENCE), -signal.SIGKILL)

    def test_the_end_of_the_host_is_seen_while_a_connector_is_imported(self):
        with Worker() as worker:
            params = {"protocol": 1, "connectors": [{"name": "x", "module": "connector_endless"}]}
            folder = os.path.join(os.path.dirname(__file__), "packages")
            worker.ask("initialize", {**params, "import_path": [folder], "threads": 1, "max_answer": 1})
            worker.wait_for_log(lambda log: log["message"] == "importing")
            worker.socket.close()
            self.assertEqual(worker.process.wait(PATIENCE), -signal.SIGKILL)

    def test_shutdown_answers_what_is_in_flight_and_refuses_what_comes_later(self):
        with started() as worker:
            code = "print('in')\nwhile not sys.modules.get('let_go'): time.sleep(0.01)\nprint('out')"
            request = worker.begin("wild/Run", {"code": code})
            free = "print('in too')\nawait asyncio.sleep(0.3)\nsys.modules['let_go'] = sys"
            other = worker.begin("wild/RunAsync", {"code": free})
            worker.wait_for_log(lambda log: log["message"] == "in too")
            worker.notify("shutdown")
            late = worker.failure("wild/Run", {"code": "print('never')"})
            self.assertEqual((late["kind"], late["effect"]), ("busy", "none"))
            self.assertIn("result", worker.wait(request))
            self.assertIn("result", worker.wait(other))
            self.assertEqual(worker.process.wait(PATIENCE), 0)

    def test_after_shutdown_it_leaves_as_any_python_program_does(self):
        with started() as worker:
            code = (
                "import atexit\n"
                "atexit.register(lambda: print('at exit'))\n"
                "def linger():\n    threading.main_thread().join(); print('lingered')\n"
                "threading.Thread(target=linger).start()\n"
                "print('begun', end='')"
            )
            worker.result("wild/Run", {"code": code})
            background = "async def forever():\n    try: await asyncio.sleep(600)\n    finally: print('task cancelled')\n"
            worker.result("wild/RunAsync", {"code": background + "asyncio.ensure_future(forever())\nawait asyncio.sleep(0)"})
            worker.notify("shutdown")
            for message in ("task cancelled", "lingered", "at exit"):
                worker.wait_for_log(lambda log, message=message: log["message"] == message)
            self.assertEqual(worker.process.wait(PATIENCE), 0)
            self.assertEqual(worker.process.communicate(), (b"", b""))

    def test_a_host_that_closes_after_shutdown_lets_calls_end(self):
        with started() as worker:
            read, write = os.pipe()
            code = f"print('in')\ntime.sleep(0.3)\nos.write(os.open('/proc/{os.getpid()}/fd/{write}', os.O_WRONLY), b'ended')"
            worker.begin("wild/Run", {"code": code})
            worker.wait_for_log(lambda log: log["message"] == "in")
            worker.notify("shutdown")
            worker.socket.close()
            self.assertEqual(os.read(read, 10), b"ended")
            self.assertEqual(worker.process.wait(PATIENCE), 0)

    def test_it_is_deaf_to_interrupts_and_ends_at_once_when_terminated(self):
        with started() as worker:
            os.killpg(worker.process.pid, signal.SIGINT)
            code = "answer = {'response': subprocess.run([sys.executable, '-c', 'import signal; print(signal.getsignal(2) is signal.default_int_handler)'], stdout=subprocess.PIPE).stdout}"
            result = worker.result("wild/Run", {"code": code})
            self.assertEqual(result["base64"], "VHJ1ZQo=")
            worker.process.terminate()
            self.assertEqual(worker.process.wait(PATIENCE), -signal.SIGTERM)

    @unittest.skipUnless(sys.platform.startswith("linux"), "only Linux tells a process that its parent died")
    def test_a_host_that_is_killed_takes_a_worker_along_that_cannot_look(self):
        # The socket stays open in this process, so only the death of the parent is left to tell.
        host = (
            "import subprocess, sys\n"
            f"p = subprocess.Popen([sys.executable, {WORKER!r}], stdout=1, start_new_session=True)\n"
            "p.wait()\n"
        )
        worker = Worker.__new__(Worker)
        import socket as sockets

        ours, theirs = sockets.socketpair()
        ours.settimeout(PATIENCE)
        worker.socket, worker.logs, worker._answers, worker._next, worker._buffer = ours, [], {}, 0, b""
        command = [sys.executable, "-c", host]
        worker.process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with worker:
            worker.load("connector_wild")
            worker.process.kill()
            wait_for_end_of(worker.process.stdout)
            worker.process.wait()
        theirs.close()

    def test_started_by_hand_it_says_so(self):
        done = subprocess.run([sys.executable, WORKER], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is started by Crosspoint", done.stderr)


if __name__ == "__main__":
    unittest.main()
