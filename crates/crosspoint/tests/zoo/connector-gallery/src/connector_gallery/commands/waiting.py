"""Commands that take their time. They wait for files, so that the tests say when."""

import asyncio
import json
import os
import threading
import time
import urllib.request

from ..answers import answer


def touch(path):
    with open(path, "w", encoding="utf-8"):
        pass


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.005)


class Hold:
    """Says that it began, and goes on until it may end."""

    def __init__(self, begun: str, until: str):
        self.begun, self.until = begun, until

    def execute(self, config, task_data):
        touch(self.begun)
        wait_for(self.until)
        return answer(os.getpid())


class Pid:
    """Tells which process runs it."""

    def execute(self, config, task_data):
        return answer(os.getpid())


class Overlap:
    """Tells how many calls of it there were at a time, at most."""

    lock = threading.Lock()
    now = 0
    most = 0

    def execute(self, config, task_data):
        with Overlap.lock:
            Overlap.now += 1
            Overlap.most = max(Overlap.most, Overlap.now)
        time.sleep(0.01)
        with Overlap.lock:
            Overlap.now -= 1
        return answer(Overlap.most)


class Meet:
    """Ends when so many calls are in it."""

    barriers = {}

    def __init__(self, count: int):
        self.barrier = Meet.barriers.setdefault(count, threading.Barrier(count))

    def execute(self, config, task_data):
        self.barrier.wait()
        return answer(threading.get_ident())


class Coroutines:
    """Coroutines that can end only together, so they must share a loop."""

    waiting = []

    def __init__(self, count: int):
        self.count = count

    async def execute(self, config, task_data):
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        Coroutines.waiting.append(mine)
        if len(Coroutines.waiting) == self.count:
            for future in Coroutines.waiting:
                future.set_result(threading.get_ident())
            Coroutines.waiting = []
        return answer([await mine, id(loop)])


class Callback:
    """Answers later, from a thread of its own, when it was told where."""

    def __init__(self, value: str, until: str):
        self.value, self.until = value, until

    def execute(self, config, task_data):
        return answer("at once")

    def execute_async(self, config, task_data, callback_url):
        def work():
            wait_for(self.until)
            data = json.dumps({"value": self.value, "task_data": task_data}).encode()
            headers = {"content-type": "application/json"}
            request = urllib.request.Request(callback_url, data, headers, method="PUT")
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(request).close()

        threading.Thread(target=work).start()
        return answer("accepted")


class Say:
    """Prints, and logs.

    :param text: what is said
    """

    def __init__(self, text: str):
        self.text = text

    def execute(self, config, task_data):
        import logging

        print(self.text, "by print")
        logging.getLogger("gallery.say").warning("%s by a logger", self.text)
        os.write(1, f"{self.text} by C\n".encode())
        return answer(None)
