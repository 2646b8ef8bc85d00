"""A person at a terminal: what the program asks, and what is typed."""

import os
import pty
import select
import subprocess
import time

from harness import PATIENCE_S, Result


class Terminal:
    """The program with a terminal for input and for what it says; its standard
    output is apart."""

    def __init__(self, copy, *words, env=None):
        master, slave = pty.openpty()
        self.master = master
        self.said = ""
        self.process = subprocess.Popen(
            copy.argv(*words), stdin=slave, stdout=subprocess.PIPE,
            stderr=slave, env=dict(copy.env, TERM="xterm", **(env or {})),
            cwd=copy.home,
            start_new_session=True)
        os.close(slave)

    def read(self, seconds):
        """What comes within that time; False at its end."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            some = os.read(self.master, 4096)
        except OSError: # nobody has the other side open any more
            some = b""
        self.said += some.decode(errors="replace").replace("\r\n", "\n")
        return bool(some)

    def expect(self, text, seconds=PATIENCE_S):
        """Read until this was said."""
        end = time.monotonic() + seconds
        while text not in self.said:
            if not self.read(0.2) or time.monotonic() > end:
                raise AssertionError("never said: %s\n%s" % (text, self.said))
        before, self.said = self.said.split(text, 1)
        return before

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def answer(self, question, line):
        self.expect(question)
        self.type(line)

    def end(self):
        """Its end, with all that was not asked for yet."""
        end = time.monotonic() + PATIENCE_S
        while self.read(0.2):
            if time.monotonic() > end:
                self.process.kill()
                raise AssertionError("hangs\n%s" % self.said)
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        os.close(self.master)
        return Result(subprocess.CompletedProcess(
            [], self.process.returncode, out, self.said.encode()))
