"""Replays the transcripts with a real worker."""

from __future__ import annotations

import json
import os
import unittest

from harness import PACKAGES, PATIENCE, Worker

GOLDEN = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "golden"))


def take_out(message, pointer):
    """Removes what a JSON pointer names, and tells its type."""
    *way, last = pointer.lstrip("/").split("/")
    for key in way:
        message = message[int(key) if isinstance(message, list) else key]
    value = message[int(last) if isinstance(message, list) else last]
    message[int(last) if isinstance(message, list) else last] = None
    return type(value)


class Golden(unittest.TestCase):
    maxDiff = None

    def test_transcripts_are_what_a_worker_says(self):
        files = sorted(name for name in os.listdir(GOLDEN) if name.endswith(".json"))
        self.assertGreater(len(files), 10)
        for file in files:
            with self.subTest(file), open(os.path.join(GOLDEN, file), encoding="utf-8") as text:
                transcript = json.load(text)
                self.assertEqual(transcript["name"] + ".json", file)
                self.replay(transcript["exchange"])

    def replay(self, exchange):
        with Worker() as worker:
            for step in exchange:
                if "send" in step:
                    sent = json.dumps(step["send"]).replace("{packages}", json.dumps(PACKAGES)[1:-1])
                    worker.write(json.loads(sent))
                elif "receive" in step:
                    self.compare(step, worker.read())
                else:
                    self.assertEqual(worker.process.wait(PATIENCE), step["exit"])

    def compare(self, step, got):
        wanted = step["receive"]
        for pointer in step.get("varies", []):
            self.assertIs(take_out(got, pointer), take_out(wanted, pointer), pointer)
        self.assertEqual(got, wanted)


if __name__ == "__main__":
    unittest.main()
