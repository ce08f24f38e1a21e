"""Threads, coroutines, and what a connector can do to its worker."""

from __future__ import annotations

import os
import signal
import unittest

from harness import PATIENCE, Gone, Worker


class Running(unittest.TestCase):
    threads = 4

    def setUp(self):
        self.worker = Worker()
        self.worker.load("connector_wild", threads=self.threads)
        self.addCleanup(self.worker.__exit__)

    def run_code(self, code, **more):
        return self.worker.result("wild/Run", {"code": code}, **more)

    def fail_code(self, code, command="wild/Run", **more):
        return self.worker.failure(command, {"code": code}, **more)

    def fall_asleep(self, count):
        """Begins calls that wait, and returns when all of them do."""
        requests = [self.worker.begin("wild/Sleep") for _ in range(count)]
        for request in requests:
            self.worker.wait_for_log(lambda log, call=f"c{request}": log["call"] == call)
        return requests

    def test_pings_are_answered_while_all_calls_sleep(self):
        self.fall_asleep(self.threads)
        health = self.worker.ping()
        self.assertEqual((health["in_flight"], health["threads"]), (self.threads, 0))
        self.assertGreater(health["resident"], 1 << 20)
        waiting = self.worker.begin("wild/Release")
        self.assertEqual(self.worker.ping()["in_flight"], self.threads + 1)
        self.worker.notify("cancel", id=waiting)
        self.assertEqual(self.worker.ping()["in_flight"], self.threads + 1)

    def test_calls_run_at_the_same_time_up_to_the_limit(self):
        requests = self.fall_asleep(self.threads - 1)
        self.worker.result("wild/Release")
        for request in requests:
            self.assertEqual(self.worker.wait(request)["result"]["text"], "done")
        self.assertEqual(self.worker.ping()["in_flight"], 0)

    def test_a_call_beyond_the_limit_runs_when_another_ends(self):
        code = "print('in')\n"
        sleeping = self.fall_asleep(self.threads - 1)
        blocked = self.worker.begin("wild/Run", {"code": code + "time.sleep(0.2)"})
        beyond = [self.worker.begin("wild/Run", {"code": code}) for _ in range(3)]
        for request in [blocked, *beyond]:
            self.assertIn("result", self.worker.wait(request))
        began = [log["call"] for log in self.worker.logs if log["message"] == "in"]
        self.assertEqual(began, [f"c{request}" for request in [blocked, *beyond]])
        self.worker.result("wild/Release")
        for request in sleeping:
            self.assertIn("result", self.worker.wait(request))

    def test_a_quick_command_that_suddenly_waits_does_not_stop_the_others(self):
        for _ in range(50):
            self.worker.result("wild/Quick")
        stuck = [self.worker.begin("wild/Quick", {"wait": True}) for _ in range(self.threads - 1)]
        for request in stuck:
            self.worker.wait_for_log(lambda log, call=f"c{request}": log["call"] == call)
        self.assertEqual(self.worker.ping()["in_flight"], self.threads - 1)
        self.worker.result("wild/Release")
        for request in stuck:
            self.assertIn("result", self.worker.wait(request))

    def test_many_pipelined_calls_are_each_answered_once(self):
        requests = [self.worker.begin("wild/Evaluate", {"expression": f"envelope({n})"}) for n in range(3000)]
        for n, request in enumerate(requests):
            self.assertEqual(self.worker.wait(request)["result"]["answer"]["command_response"]["body"], n)

    def test_large_messages_pass_in_both_directions(self):
        text = "x" * 700_000
        code = "answer = {'response': task_data['t']}"
        for _ in range(3):
            self.assertEqual(self.worker.result("wild/Run", {"code": code}, task_data={"t": text})["text"], text)

    def test_exits_and_interrupts_are_exceptions_like_any_other(self):
        for code, name in (("sys.exit(3)", "SystemExit"), ("raise KeyboardInterrupt", "KeyboardInterrupt")):
            for command in ("wild/Run", "wild/RunAsync"):
                failure = self.fail_code(code, command)
                self.assertEqual((failure["kind"], failure["code"], failure["effect"]), ("raised", name, "maybe"))
        self.assertEqual(self.run_code("pass")["text"], "done")

    def test_exceptions_that_cannot_speak_are_answered(self):
        failure = self.fail_code("class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute()")
        self.assertEqual(failure["code"], "Mute")
        self.assertIn("its text cannot be had", failure["message"])
        failure = self.fail_code("raise ValueError('x' * 10**7)")
        self.assertLess(len(failure["message"]), 100_000)

    def test_deep_recursion_is_an_exception(self):
        failure = self.fail_code("def deeper(): return deeper()\ndeeper()")
        self.assertEqual(failure["code"], "RecursionError")
        code = "sys.setrecursionlimit(20_000)\ndef deeper(n): return n and deeper(n - 1)\ndeeper(15_000)"
        self.assertEqual(self.run_code(code)["text"], "done")

    def test_a_worker_that_exits_closes_its_socket(self):
        self.worker.begin("wild/Run", {"code": "os._exit(7)"})
        with self.assertRaises(Gone):
            self.worker.read()
        self.assertEqual(self.worker.process.wait(PATIENCE), 7)

    def test_a_forked_child_does_not_hold_the_socket_and_prints_to_the_descriptor(self):
        code = "child = os.fork()\nif child == 0:\n    print('from the child')\n    time.sleep(600)\n    os._exit(0)\nprint(child)"
        self.worker.begin("wild/Run", {"code": code})
        child = int(self.worker.wait_for_log(lambda log: True)["message"])
        self.assertEqual(self.worker.process.stdout.readline(), b"from the child\n")
        os.kill(self.worker.process.pid, signal.SIGKILL)
        with self.assertRaises(Gone):
            while True:
                self.worker.read()
        os.kill(child, signal.SIGKILL)

    def test_multiprocessing_works_with_both_ways_to_start(self):
        for way in ("fork", "spawn"):
            code = f"pool = multiprocessing.get_context('{way}').Pool(1)\nanswer = {{'response': pool.map(abs, [-1])}}\npool.terminate()"
            self.assertEqual(self.run_code(code)["json"], [1])

    def test_context_variables_of_one_call_are_not_seen_by_the_next(self):
        self.run_code("sys.modules['my_variable'] = contextvars.ContextVar('v', default='unset'); sys.modules['my_variable'].set('set')")
        for _ in range(10):
            self.assertEqual(self.run_code("answer = {'response': sys.modules['my_variable'].get()}")["text"], "unset")


class Coroutines(unittest.TestCase):
    def setUp(self):
        self.worker = Worker()
        self.worker.load("connector_wild", threads=4)
        self.addCleanup(self.worker.__exit__)

    def begin(self, code):
        return self.worker.begin("wild/RunAsync", {"code": code})

    def test_coroutines_share_one_loop_that_lives_on(self):
        code = "return {'response': [id(asyncio.get_running_loop()), threading.current_thread().name]}"
        first = self.worker.result("wild/RunAsync", {"code": code})["json"]
        self.assertEqual(first, self.worker.result("wild/RunAsync", {"code": code})["json"])
        wait = "loop = asyncio.get_running_loop()\nloop.gate = asyncio.Event()\nprint('in')\nawait loop.gate.wait()"
        request = self.begin(wait)
        self.worker.wait_for_log(lambda log: log["message"] == "in")
        self.assertIn("result", self.worker.wait(self.begin("asyncio.get_running_loop().gate.set()")))
        self.assertIn("result", self.worker.wait(request))

    def test_what_a_coroutine_prints_has_its_call(self):
        request = self.begin("await asyncio.sleep(0)\nprint('late')")
        self.worker.wait(request)
        self.assertEqual(self.worker.logs, [{"call": f"c{request}", "level": "info", "source": "stdout", "message": "late"}])

    def test_a_cancelled_coroutine_ends_and_is_answered(self):
        request = self.begin("try:\n    print('in'); await asyncio.sleep(600)\nfinally: print('cleaned')")
        self.worker.wait_for_log(lambda log: log["message"] == "in")
        self.worker.notify("cancel", id=request)
        data = self.worker.wait(request)["error"]["data"]
        self.assertEqual((data["kind"], data["code"], data["effect"]), ("raised", "CancelledError", "maybe"))
        self.assertEqual(self.worker.messages()[-1], "cleaned")
        self.worker.notify("cancel", id=request)
        self.worker.notify("cancel", id=12345)
        self.assertEqual(self.worker.ping()["in_flight"], 0)

    def test_a_call_that_is_cancelled_before_it_began_does_not_run(self):
        sleeping = [self.worker.begin("wild/Sleep") for _ in range(3)]
        gate = self.begin("loop = asyncio.get_running_loop()\nprint('gate')\nawait asyncio.sleep(600)")
        for request in [*sleeping, gate]:
            self.worker.wait_for_log(lambda log, call=f"c{request}": log["call"] == call)
        waiting = self.worker.begin("wild/Run", {"code": "print('ran')"})
        self.worker.notify("cancel", id=waiting)
        self.worker.notify("cancel", id=gate)
        data = self.worker.wait(waiting)["error"]["data"]
        self.assertEqual((data["kind"], data["code"], data["effect"]), ("busy", "Cancelled", "none"))
        self.assertNotIn("ran", self.worker.messages())
        self.worker.result("wild/Release")
        for request in sleeping:
            self.assertIn("result", self.worker.wait(request))

    def test_a_task_that_exits_does_not_end_the_loop(self):
        self.worker.wait(self.begin("async def leave(): sys.exit(1)\nasyncio.ensure_future(leave())\nawait asyncio.sleep(0)"))
        self.assertIn("result", self.worker.wait(self.begin("await asyncio.sleep(0)")))


class Health(unittest.TestCase):
    def setUp(self):
        self.worker = Worker()
        self.worker.load("connector_wild")
        self.addCleanup(self.worker.__exit__)

    def test_threads_that_connectors_started_are_counted_while_they_live(self):
        code = "sys.modules['gate'] = threading.Event()\nthreading.Thread(target=sys.modules['gate'].wait).start()\n"
        daemon = "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
        self.worker.result("wild/Run", {"code": code + daemon})
        self.assertEqual(self.worker.ping()["threads"], 1)
        self.worker.result("wild/Run", {"code": "sys.modules['gate'].set()"})
        while self.worker.ping()["threads"]:
            pass

    def test_an_idle_thread_of_a_pool_does_not_count(self):
        code = (
            "from concurrent.futures import ThreadPoolExecutor\n"
            "pool = sys.modules['pool'] = ThreadPoolExecutor(1)\n"
            "pool.submit(print, 'x').result()"
        )
        self.worker.result("wild/Run", {"code": code})
        while self.worker.ping()["threads"]:
            pass
        gate = "sys.modules['gate'] = threading.Event()\nsys.modules['pool'].submit(sys.modules['gate'].wait)"
        self.worker.result("wild/Run", {"code": gate})
        while not self.worker.ping()["threads"]:
            pass
        self.worker.result("wild/Run", {"code": "sys.modules['gate'].set()"})

    def test_methods_and_messages_that_it_does_not_know_are_answered(self):
        self.assertEqual(self.worker.wait(self.worker.ask("sing", {}))["error"]["code"], -32601)
        self.assertEqual(self.worker.wait(self.worker.ask("call", {}))["error"]["code"], -32602)
        self.worker.socket.sendall(b"\0\0\0\x04\xff\xfe\xfd\xfc")
        self.assertEqual(self.worker.wait(None)["error"]["code"], -32700)
        self.worker.notify("a notification that nobody knows")
        self.assertEqual(self.worker.ping()["in_flight"], 0)

    def test_calls_before_initialize_are_refused(self):
        with Worker() as fresh:
            self.assertEqual(fresh.failure("wild/Run")["kind"], "busy")
            self.assertEqual(fresh.ping()["in_flight"], 0)


if __name__ == "__main__":
    unittest.main()
