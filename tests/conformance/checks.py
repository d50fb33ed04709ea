"""What the conformance scripts in Python share: checks that run one after the other, and a sandbox to run them on.

A script defines its checks with `@check` and ends with `run()`. Each check prints a line, the last line is the sum,
and the exit code says whether all passed. The sandbox is the real program: CONCORD_BIN names it.
"""

import json
import os
import subprocess
import sys
import traceback
import urllib.request

# A client that never ends must not hold up everything after it.
SECONDS_FOR_ALL = 600

_checks = []
_running = []


def check(function):
    """Adds a check; its name is the function's, read as a sentence."""
    _checks.append((function.__name__.replace("_", " "), function))
    return function


def run():
    """Runs all checks, ends the sandboxes and leaves."""
    failed = 0
    watchdog = _watchdog()
    try:
        for name, function in _checks:
            try:
                function()
            except Exception as problem:  # a client may raise anything
                failed += 1
                traceback.print_exc()
                words = " ".join(str(problem).split()) or type(problem).__name__
                print(f"FAILED {name}: {words}", flush=True)
            else:
                print(f"ok {name}", flush=True)
    finally:
        watchdog.cancel()
        for sandbox in _running:
            sandbox.end()
    print(f"{len(_checks) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


def _watchdog():
    import threading

    def give_up():
        print(f"FAILED everything: not done after {SECONDS_FOR_ALL} seconds", flush=True)
        for sandbox in _running:
            sandbox.end()
        os._exit(1)

    timer = threading.Timer(SECONDS_FOR_ALL, give_up)
    timer.daemon = True
    timer.start()
    return timer


def same(got, expected, what=""):
    """Fails with both values unless they are equal."""
    if got != expected:
        raise AssertionError(f"{what or 'value'}: expected {expected!r}, got {got!r}")


def refused(call, exception):
    """The exception that the call must end with."""
    try:
        answer = call()
    except exception as problem:
        return problem
    raise AssertionError(f"expected {exception.__name__}, got {answer!r}")


class Sandbox:
    """`concord sandbox PROVIDER` on a free port, until the script ends."""

    def __init__(self, provider, *arguments):
        command = [os.environ["CONCORD_BIN"], "--json", "sandbox", provider, "--addr", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        _running.append(self)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command[1:])} did not start")
        self.about = json.loads(line)
        self.url = self.about["url"]

    def control(self, method, path, body=None):
        """Asks one of the sandbox's own paths, which no limit and no fault touches."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/__sandbox/{path}", data=data, method=method)
        # A proxy of the person who runs this has no part in it.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def misbehave(self, *faults):
        """Replaces the faults by these; without any, it behaves again."""
        self.control("POST", "faults", {"faults": list(faults)})

    def end(self):
        """Stops the program."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)
