//! The connector packages that the tests write.

/// Commands that do what a test needs to see.
pub const PROBE: &str = r#"
import asyncio, ctypes, os, subprocess, sys, threading, time

def answer(value):
    return {"command_response": {"body": value, "mimetype": "application/json", "http_status": 200},
            "command_response_version": 2, "error": None, "spiff__logs": []}

def touch(path):
    open(path, "w").close()

def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.005)

class Pid:
    def execute(self, config, task_data):
        return answer(os.getpid())

class Echo:
    """Gives back what it was given."""
    def __init__(self, value, **kwargs):
        self.value = value
        self.rest = kwargs
    def execute(self, config, task_data):
        return answer({"value": self.value, "rest": self.rest, "task_data": task_data})

class Plain:
    def __init__(self, response, status=200, mimetype="text/plain"):
        self.answer = {"response": response, "status": status, "mimetype": mimetype}
    def execute(self, config, task_data):
        return self.answer

class Binary:
    def execute(self, config, task_data):
        return {"response": b"\x00\xff", "status": 200, "mimetype": "image/png"}

class Dict:
    def __init__(self, value):
        self.value = value
    def execute(self, config, task_data):
        return self.value

class Hold:
    """Says that it began and goes on until it may end."""
    def __init__(self, begun, until):
        self.begun, self.until = begun, until
    def execute(self, config, task_data):
        touch(self.begun)
        wait_for(self.until)
        return answer(os.getpid())

class Later:
    def execute(self, config, task_data):
        return answer("at once")
    def execute_async(self, config, task_data, callback_url):
        return answer(callback_url)

class Coroutine:
    def __init__(self, begun, cancelled):
        self.begun, self.cancelled = begun, cancelled
    async def execute(self, config, task_data):
        touch(self.begun)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            touch(self.cancelled)
            raise

class Raise:
    def execute(self, config, task_data):
        raise KeyError("what was raised")

class Leave:
    def execute(self, config, task_data):
        sys.exit("never mind")

class Exit:
    def __init__(self, status):
        self.status = status
    def execute(self, config, task_data):
        print("last words", file=sys.stderr)
        os.write(2, b"very last words\n")
        os._exit(self.status)

class Segfault:
    def execute(self, config, task_data):
        ctypes.string_at(0)

class Unusable:
    def execute(self, config, task_data):
        return answer({1, 2})

class Large:
    def __init__(self, size: int):
        self.size = size
    def execute(self, config, task_data):
        return {"response": "x" * self.size, "status": 200, "mimetype": "text/plain"}

class Loop:
    """Never ends."""
    def execute(self, config, task_data):
        while True:
            pass

class Freeze:
    """Never ends, and lets no other thread run."""
    def execute(self, config, task_data):
        ctypes.PyDLL(None).sleep(1000)

class Hide:
    """Closes every descriptor that it finds, the connection among them."""
    def execute(self, config, task_data):
        os.closerange(3, 256)
        time.sleep(1000)

class Print:
    def __init__(self, text):
        self.text = text
    def execute(self, config, task_data):
        print(self.text)
        print(self.text + " on stderr", file=sys.stderr)
        return answer(None)

class PrintAfterwards:
    def __init__(self, text, until):
        self.text, self.until = text, until
    def execute(self, config, task_data):
        import contextvars
        def late():
            wait_for(self.until)
            print(self.text)
        run = contextvars.copy_context().run
        threading.Thread(target=lambda: run(late), daemon=True).start()
        return answer(None)

class Write:
    """Writes to a descriptor as C code does."""
    def __init__(self, text, fd=1, times=1):
        self.text, self.fd, self.times = text, fd, times
    def execute(self, config, task_data):
        data = self.text.encode()
        for _ in range(self.times):
            left = data
            while left:
                left = left[os.write(self.fd, left):]
        return answer(len(data) * self.times)

class Environment:
    def execute(self, config, task_data):
        return answer(dict(os.environ))

class Config:
    def __init__(self, name):
        self.name = name
    def execute(self, config, task_data):
        return answer(config[self.name])

class Where:
    def execute(self, config, task_data):
        return answer(os.getcwd())

class Spawn:
    """Starts a process and leaves it behind."""
    def execute(self, config, task_data):
        return answer(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]).pid)

class Meet:
    """Ends when as many calls are in it as there should be."""
    barriers = {}
    def __init__(self, count):
        self.barrier = self.barriers.setdefault(count, threading.Barrier(count))
    def execute(self, config, task_data):
        self.barrier.wait()
        return answer(None)

class Overlap:
    """Tells how many calls of it there were at most at a time."""
    lock, now, most = threading.Lock(), 0, 0
    def execute(self, config, task_data):
        with Overlap.lock:
            Overlap.now += 1
            Overlap.most = max(Overlap.most, Overlap.now)
        time.sleep(0.01)
        with Overlap.lock:
            Overlap.now -= 1
        return answer(Overlap.most)

class Linger:
    """Starts a thread that keeps the process alive until it may end."""
    def __init__(self, until):
        self.until = until
    def execute(self, config, task_data):
        threading.Thread(target=wait_for, args=(self.until,)).start()
        return answer(os.getpid())

class Stubborn:
    """Has the process stay for as long as it likes."""
    def execute(self, config, task_data):
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return answer(os.getpid())
"#;
