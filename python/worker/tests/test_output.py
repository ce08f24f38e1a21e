"""What connectors print and log."""

from __future__ import annotations

import unittest

from harness import Worker


class Output(unittest.TestCase):
    def setUp(self):
        self.worker = Worker()
        self.worker.load("connector_wild")
        self.addCleanup(self.worker.__exit__)

    def run_code(self, code, **more):
        return self.worker.result("wild/Run", {"code": code}, **more)

    def test_lines_carry_their_call_stream_and_level_and_precede_the_answer(self):
        self.run_code("print('a', 'b'); print('c', end=''); print('d', file=sys.stderr); print('é\\ud800')")
        call = self.worker.logs[0]["call"]
        self.assertEqual(call, "c2")
        expected = [
            {"call": call, "level": "info", "source": "stdout", "message": "a b"},
            {"call": call, "level": "warning", "source": "stderr", "message": "d"},
            {"call": call, "level": "info", "source": "stdout", "message": "cé?"},
        ]
        self.assertEqual(self.worker.logs, expected)

    def test_a_line_without_an_end_is_passed_on_when_the_call_ends(self):
        self.run_code("print('no end', end='', flush=True)")
        self.assertEqual(self.worker.messages(), ["no end"])

    def test_records_carry_their_logger_and_level(self):
        self.run_code(
            "log = logging.getLogger('crm.client')\n"
            "log.debug('unseen'); log.info('i %d', 1); log.warning('w')\n"
            "log.setLevel('DEBUG'); log.debug('seen'); log.critical('c'); log.info('%d', 'no number')\n"
            "try: 1 / 0\n"
            "except ZeroDivisionError: log.exception('oh')\n"
        )
        self.assertEqual({log["source"] for log in self.worker.logs}, {"crm.client"})
        seen = [(log["level"], log["message"]) for log in self.worker.logs]
        self.assertEqual(seen[:4], [("info", "i 1"), ("warning", "w"), ("debug", "seen"), ("error", "c")])
        self.assertIn("its arguments do not fit", seen[4][1])
        self.assertIn("oh\nTraceback", seen[5][1])

    def test_basic_config_sets_the_level_and_does_not_double_records(self):
        self.run_code("logging.basicConfig(level=logging.DEBUG, format='%(message)s')\nlogging.debug('once')")
        self.assertEqual([(log["source"], log["message"]) for log in self.worker.logs], [("root", "once")])

    def test_a_long_line_is_cut(self):
        self.run_code("print('x' * 1_000_000); print('ü' * 8000); print('next')")
        first, second, third = self.worker.messages()
        self.assertEqual(first, "x" * 8192)
        self.assertEqual(second, "ü" * 4096)
        self.assertEqual(third, "next")

    def test_of_endless_output_one_mebibyte_is_passed_on_and_one_line_says_so(self):
        self.run_code("for n in range(200_000): print('a line of some length', n)\nprint('y' * 10**8)\nprint('z\\n' * 10**7)")
        size = sum(len(message) + 1 for message in self.worker.messages())
        self.assertLessEqual(size, 1 << 20)
        self.assertGreater(size, (1 << 20) - 8192)
        self.assertEqual(len(self.worker.messages("crosspoint")), 1)
        self.assertIn("the rest of its output is dropped", self.worker.messages("crosspoint")[0])
        self.worker.logs.clear()
        self.run_code("print('another call')")
        self.assertEqual(self.worker.messages(), ["another call"])

    def test_bytes_and_c_code_write_to_the_descriptors(self):
        self.run_code(
            "sys.stdout.buffer.write(b'one\\n'); os.write(1, b'two\\n'); sys.stderr.buffer.write(b'three\\n')\n"
            "subprocess.run(['echo', 'four'], check=True); subprocess.run(['echo', 'five'], stdout=sys.stdout)\n"
            "sys.__stdout__.write('six\\n'); sys.__stdout__.flush()"
        )
        self.assertEqual(self.worker.shut_down(), 0)
        out, err = self.worker.process.communicate()
        self.assertEqual((out, err), (b"one\ntwo\nfour\nfive\nsix\n", b"three\n"))
        self.assertEqual(self.worker.logs, [])

    def test_a_thread_has_its_call_only_with_a_copy_of_the_context(self):
        self.run_code(
            "def run(target):\n    thread = threading.Thread(target=target); thread.start(); thread.join()\n"
            "run(lambda: print('without'))\n"
            "context = contextvars.copy_context()\n"
            "run(lambda: context.run(print, 'with'))"
        )
        self.assertEqual([(log["call"], log["message"]) for log in self.worker.logs], [(None, "without"), ("c2", "with")])

    def test_printing_in_a_finalizer_within_a_print_does_not_block(self):
        self.run_code(
            "import gc\n"
            "class Loud:\n    def __init__(self): self.me = self\n    def __del__(self): print('finalized')\n"
            "gc.set_threshold(1)\n"
            "for n in range(300): Loud(); print('line', n)\n"
            "gc.set_threshold(700, 10, 10); gc.collect()"
        )
        # A finalizer may run between the text of a line and its end, and then shares the line.
        text = "".join(self.worker.messages())
        self.assertEqual((text.count("finalized"), text.count("line ")), (300, 300))

    def test_the_streams_behave_like_files(self):
        self.run_code(
            "assert sys.stdout.writable() and not sys.stdout.isatty() and sys.stdout.encoding == 'utf-8'\n"
            "assert sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2\n"
            "sys.stdout.reconfigure(line_buffering=True); sys.stdout.flush(); sys.stdout.close()\n"
            "sys.stdout.writelines(['x\\n', 'y\\n'])\n"
            "try: sys.stdout.write(b'bytes')\nexcept TypeError: print('refused')\n"
            "assert sys.stdin.read() == ''"
        )
        self.assertEqual(self.worker.messages(), ["x", "y", "refused"])

    def test_lines_of_many_threads_do_not_mix(self):
        self.run_code(
            "def talk(name):\n    for n in range(200): print(name, name, name, name)\n"
            "threads = [threading.Thread(target=talk, args=(c * 20,)) for c in 'abcdefgh']\n"
            "[t.start() for t in threads]; [t.join() for t in threads]"
        )
        wanted = sorted(" ".join([c * 20] * 4) for c in "abcdefgh" for _ in range(200))
        self.assertEqual(sorted(self.worker.messages()), wanted)


if __name__ == "__main__":
    unittest.main()
