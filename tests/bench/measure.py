"""What a process costs: wall clock, processor time and peak of memory as the system tells them."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

# A program that never ends must not hold up everything after it.
LONGEST_SECONDS = 3_600

# A bench that is told to end leaves as after Ctrl-C: what it started ends with it.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# How often a program is asked about that may have to be stopped.
LOOK_SECONDS = 0.5


class Ended:
    """How a process ended, whether by itself, what it cost, and the last line that it printed."""

    def __init__(self, code, in_time, cost, line):
        self.code, self.in_time, self.cost, self.line = code, in_time, cost, line


def run(command, environment, said=None, seconds=LONGEST_SECONDS, quiet=False, stop=None):
    """Runs a program and whatever it starts, and ends them all when their time is up or `stop` says so.

    What it prints goes to the file `said`.
    """
    with open(said, "w+b") if said else tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL if quiet else None,
            env=environment,
            start_new_session=True,
        )
        ended, stopped = threading.Event(), threading.Event()

        def end_all():
            # Whatever it started is in its group.
            os.killpg(process.pid, signal.SIGKILL)

        def watch():
            while not ended.wait(LOOK_SECONDS if stop else seconds):
                if time.monotonic() - began >= seconds or (stop and stop()):
                    stopped.set()
                    end_all()
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            # It stays a zombie, so that nobody else has its number before the watcher is gone.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        except BaseException:
            # Who ends the bench ends what it measures.
            end_all()
            os.waitpid(process.pid, 0)
            raise
        finally:
            took = time.monotonic() - began
            ended.set()
            watcher.join()
        # The costs of the processes that it waited for are in its own.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        lines = out.read().decode(errors="replace").strip().splitlines()
    cost = {"seconds": took, "cpu": usage.ru_utime + usage.ru_stime, "peakKib": usage.ru_maxrss}
    return Ended(process.returncode, not stopped.is_set(), cost, lines[-1] if lines else "")


def measured(command, environment, said=None):
    """The same for a program that must succeed."""
    ended = run(command, environment, said)
    name = " ".join(Path(word).name for word in command[:2])
    if not ended.in_time:
        raise RuntimeError(f"{name} did not end within {LONGEST_SECONDS} s")
    if ended.code != 0:
        raise RuntimeError(f"{name} ended with {ended.code}")
    return ended
