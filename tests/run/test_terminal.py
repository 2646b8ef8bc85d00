"""What a person sees at a terminal: the program in a window of a given size,
and what it writes fed to a small terminal."""

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import (PASSWORD, PATIENCE_S, Case, compare, main, wait_for)

PROGRESS = re.compile(
    r"\d[\d,]*( of \d|/\d|%| files| records)|\d$|Listing: |Comparing: ")
SAID = r"^(icloud-pull: |To fetch: |Still to fetch: |Listing and fetching )"
# A window narrower than a line of it that was not made anew from its text.
REST = re.compile(r"\d of \d|\d/s\b| left$|^\d+%|^\d+/\d+$")
DRAWN = b"\033[?7l"
# Moves a terminal, tries to change its title and colour, turns the writing.
HOSTILE = "a\033[2J\033]0;x\007\u009b31m\u202e\r\n\u00e9\u00db.jpg"
HOSTILE_SHOWN = (r"a\x1b[2J\x1b]0;x\x07\u{009b}31m\u{202e}\x0d\x0a"
                 "\u00e9\u00db.jpg")
HOSTILE_ASCII = HOSTILE_SHOWN.replace("\u00e9", r"\u{00e9}").replace(
    "\u00db", r"\u{00db}")


class Screen:
    """Lines of text, and a cursor somewhere in one.  Lines longer than the
    window stand in several rows; when the width changes they do so anew
    (reflow), or what no longer fits in a row is lost."""

    def __init__(self, width, reflow):
        self.width, self.reflow = width, reflow
        self.lines, self.line, self.at = [[]], 0, 0
        self.edge = False # just behind the last column of a row
        self.wrap = True
        self.sequence = ""
        self.strange = []
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def row_start(self):
        at = self.at - 1 if self.edge else self.at
        return at - at % self.width

    def resize(self, width):
        if not self.reflow:
            rows, here = [], 0
            start, column = self.row_start(), self.at - self.row_start()
            for number, line in enumerate(self.lines):
                for i in range(0, max(len(line), 1), self.width):
                    if (number, i) == (self.line, start):
                        here = len(rows)
                    rows.append(line[i:i + self.width][:width])
            if self.line == len(self.lines) - 1 and start > len(self.lines[-1]):
                here = len(rows) - 1
            self.lines, self.line = rows, here
            self.at = min(column, width - 1)
        self.width, self.edge = width, False

    def put(self, char):
        if self.edge and not self.wrap:
            self.at -= 1
        line = self.lines[self.line]
        line.extend(" " * (self.at + 1 - len(line)))
        line[self.at] = char
        self.at += 1
        self.edge = self.at % self.width == 0

    def down(self):
        below = self.row_start() + self.width
        if len(self.lines[self.line]) > below:
            self.at += self.width
            return
        self.at -= self.row_start()
        self.line += 1
        if self.line == len(self.lines):
            self.lines.append([])

    def up(self):
        column, start = self.at - self.row_start(), self.row_start()
        if start == 0 and self.line > 0:
            self.line -= 1
            last = max(len(self.lines[self.line]) - 1, 0)
            start = last - last % self.width + self.width
        self.at, self.edge = max(start - self.width, 0) + column, False

    def obey(self, sequence):
        if sequence == "\033[J":
            del self.lines[self.line][self.at:]
            del self.lines[self.line + 1:]
        elif sequence == "\033[K":
            line = self.lines[self.line]
            end = self.row_start() + self.width
            line[self.at:end] = [" "] * (min(end, len(line)) - self.at)
        elif sequence == "\033[A":
            self.up()
        elif sequence == "\033[?7l":
            self.wrap = False
        elif sequence == "\033[?7h":
            self.wrap = True
        else:
            self.strange.append(sequence)

    def feed(self, data):
        for char in self.decoder.decode(data):
            if self.sequence:
                self.sequence += char
                if re.fullmatch(r"\033(\[[?0-9;]*[@-~]|[^\[])", self.sequence):
                    self.obey(self.sequence)
                    self.sequence = ""
            elif char == "\033":
                self.sequence = char
            elif char == "\r":
                self.at, self.edge = self.row_start(), False
            elif char == "\n":
                self.down()
            elif char < " " or "\x7f" <= char <= "\x9f":
                self.strange.append(char)
            else:
                self.put(char)

    def text(self):
        return ["".join(line).rstrip() for line in self.lines]

    def said(self):
        return [line for line in self.text() if line]


class Window:
    """A command in a terminal of its own, of this many columns."""

    def __init__(self, copy, words, columns, env=None):
        self.screens = [Screen(columns or 80, True), Screen(columns or 80, False)]
        self.data = b""
        self.master, slave = pty.openpty()
        self.tell(columns)
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, cwd=copy.home,
            env={**copy.env, "TERM": "xterm", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def tell(self, columns):
        """What the program can know, and the signal that comes with it."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))

    def show(self, columns):
        for screen in self.screens:
            screen.resize(columns)

    def read(self):
        """False: nobody has the other side open any more."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return self.process.poll() is None
        try:
            some = os.read(self.master, 65536)
        except OSError:
            some = b""
        self.data += some
        for screen in self.screens:
            screen.feed(some)
        return bool(some)

    def until(self, question):
        end = time.monotonic() + PATIENCE_S
        while not question():
            if not self.read() or time.monotonic() > end:
                raise AssertionError("it never came: %s" %
                                     self.data.decode(errors="replace"))

    def draws(self, n):
        """So many progress lines more."""
        want = self.data.count(DRAWN) + n
        self.until(lambda: self.data.count(DRAWN) >= want)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        while self.read():
            pass
        self.process.wait(PATIENCE_S)
        os.close(self.master)
        return self.process.returncode


class Terminal(Case):
    def window(self, copy, *words, columns=80, env=None):
        window = Window(copy, copy.argv("--root", copy.root, *words), columns,
                        env)
        self.addCleanup(self.put_away, window)
        return window

    def put_away(self, window):
        if window.process.poll() is None:
            window.process.kill()
            window.process.wait()
        try:
            os.close(window.master)
        except OSError:
            pass

    def nothing_strange(self, window):
        for screen in window.screens:
            self.assertEqual(screen.strange, [])


class Progress(Terminal):
    def check(self, window, columns):
        """One progress line at most, and nothing left of one before."""
        lines = window.screens[0].said()
        self.assertRegex(lines[-1], PROGRESS)
        self.assertLess(len(lines[-1]), columns)
        for line in lines[:-1]:
            self.assertRegex(line, SAID)
        rows = window.screens[1].said()
        rests = [row for row in rows if REST.search(row)]
        self.assertLessEqual(len(rests), 1, rows)
        self.nothing_strange(window)


class Resizing(Progress):
    assets = 150

    def test_it_survives_resizing(self):
        self.survives()

    def test_it_survives_resizing_between_messages(self):
        self.survives("-v")

    def survives(self, *words):
        copy = self.signed_in()
        self.sim.fault("content", "delay", ms=250, times=-1)
        window = self.window(copy, "sync", *words)
        window.until(lambda: b" of " in window.data)
        window.draws(3)
        self.check(window, 80)
        # Narrower and wider; a terminal may be so before it says so.
        for columns, late in ((40, False), (70, False), (12, True), (200, False),
                              (24, True), (9, False), (120, True), (79, False)):
            window.show(columns)
            if late:
                window.draws(2)
            while (select.select([window.master], [], [], 0)[0] and
                   window.read()):
                pass
            window.tell(columns)
            # The first may have been measured before.
            window.draws(2)
            self.check(window, columns)
        self.sim.clear_faults()
        self.assertEqual(window.end(), 0)
        lines = window.screens[0].said()
        self.assertRegex(
            lines[-1], "^Complete: .* all proven[.] The list agreed ")
        for line in lines:
            self.assertRegex(line, SAID + "|^(Fetched |Complete: )")
        self.assertEqual([row for row in window.screens[1].said()
                          if REST.search(row)], [])
        self.nothing_strange(window)
        compare(self, copy)


class Manners(Progress):
    assets = 40

    def test_windows_of_every_width(self):
        copy = self.signed_in()
        for columns in (1, 2, 10, 0, 500):
            self.sim.fault("content", "delay", ms=150, times=-1)
            window = self.window(copy, "sync", columns=columns)
            window.until(lambda: b"; free: " in window.data)
            # There is no room for any word of it.
            if columns > 2:
                window.draws(2)
                self.check(window, columns)
            lines = re.findall(rb"\033\[\?7l(.*?)\033\[J", window.data)
            for line in lines:
                self.assertLess(len(line), max(columns or 80, 2))
                # no number is cut
                self.assertRegex(line, rb"(^Listing|of \d+ files|[^ ]|)$")
            self.sim.clear_faults()
            window.type("\x03")
            self.assertEqual(window.end(), 130)

    def test_ctrl_c_in_the_middle(self):
        copy = self.signed_in()
        self.sim.fault("content", "stall", after_bytes=100, times=-1, skip=20)
        window = self.window(copy, "sync")
        window.until(lambda: b" of " in window.data)
        wait_for(lambda: len(copy.files()) >= 10 or None, window.process)
        began = time.monotonic()
        window.type("\x03")
        self.assertEqual(window.end(), 130)
        self.assertLess(time.monotonic() - began, 2)
        lines = window.screens[0].said()
        self.assertRegex(
            lines[-1], "^Interrupted: .* missing .*What is here is kept; "
            "the next run goes on from there[.]$")
        # The terminal's own ^C is gone with the progress line.
        self.assertNotIn("^C", "".join(lines))
        here = set(copy.files())
        self.sim.clear_faults()
        self.status_is(copy.sync(), 0)
        self.assertLessEqual(here, set(copy.files()))
        compare(self, copy)

    def test_a_terminal_without_a_cursor(self):
        copy = self.signed_in()
        for term in ("dumb", ""):
            window = self.window(copy, "sync", env={"TERM": term})
            self.assertEqual(window.end(), 0)
            self.assertNotIn(b"\033", window.data)
            self.assertIn("Complete: ", window.screens[0].said()[-1])

    def test_in_the_background_it_leaves_the_cursor_alone(self):
        copy = self.signed_in()
        self.sim.fault("content", "delay", ms=100, times=-1)
        words = copy.argv("--root", copy.root, "sync")
        window = Window(copy, ["sh", "-c", 'set -m; "$@" & wait $!', "sh",
                               *words], 80)
        self.addCleanup(self.put_away, window)
        window.until(lambda: b"Complete: " in window.data)
        self.assertEqual(window.end(), 0)
        self.assertNotIn(b"\033", window.data)

    def test_without_a_terminal_there_is_no_sequence(self):
        copy = self.signed_in()
        result = copy.sync("-v", env={"TERM": "xterm"})
        self.status_is(result, 0)
        self.assertNotIn("\033", result.out + result.err)
        self.assertNotIn("\r", result.out + result.err)


class Names(Terminal):
    assets = 5

    def setUp(self):
        super().setUp()
        self.signed_in()
        self.sim.change("add", kind="jpeg", name=HOSTILE)
        self.sim.change("add", kind="jpeg", name="\u00e9\u00db.jpg")
        self.sim.change("album_add", name=HOSTILE)
        asset, = (t for t in self.sim.truth() if t["filename"] == HOSTILE)
        self.sim.hook("changes_zone", "no_original", value=asset["master"],
                      times=-1)

    # Whatever can show a name, and whether it must.
    EVERYTHING = ((("sync", "-v", "--strict"), True), (("status", "--gaps"), True),
                  (("list", "assets"), True), (("list", "albums"), True),
                  (("list", "files"), False), (("verify",), True))

    def said(self, *words, **env):
        window = self.window(self.copy, *words, columns=500, env=env)
        window.end()
        self.nothing_strange(window)
        text = window.data.decode()
        self.assertNotIn("\u202e", text)
        return text

    def test_none_is_raw(self):
        for words, must in self.EVERYTHING:
            self.assertEqual(HOSTILE_SHOWN in self.said(*words), must, words)

    def test_ascii_where_the_locale_has_no_more(self):
        # Within UTF-8 stand bytes that some terminals obey.
        for words, must in self.EVERYTHING:
            text = self.said(*words, LC_ALL="C")
            self.assertTrue(text.isascii(), words)
            self.assertEqual(HOSTILE_ASCII in text, must, words)
            text = self.said(*words, "--json", LC_ALL="C")
            self.assertTrue(text.isascii(), words)
            names = [value for line in text.splitlines()
                     if line.startswith("{")
                     for value in json.loads(line).values()]
            self.assertEqual(HOSTILE in names, must, words)

    def test_pipes_get_utf8_whatever_the_locale(self):
        self.copy.sync()
        for locale in ("C", "C.UTF-8"):
            result = self.copy.run("list", "--root", self.copy.root, "albums",
                                   env={"LC_ALL": locale})
            self.status_is(result, 0)
            self.assertIn(HOSTILE_SHOWN, result.out)


class Asking(Terminal):
    assets = 1

    def test_a_password_stays_hidden_after_a_stop(self):
        window = self.window(self.copy, "--account", "jd@example.com", "login")
        window.until(lambda: window.data.count(b"Password: ") == 1)
        window.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, window.process.pid, os.WSTOPPED | os.WNOWAIT)
        # As a shell does with its terminal.
        mode = termios.tcgetattr(window.master)
        mode[3] |= termios.ECHO
        termios.tcsetattr(window.master, termios.TCSANOW, mode)
        window.process.send_signal(signal.SIGCONT)
        window.until(lambda: window.data.count(b"Password: ") == 2)
        window.type(PASSWORD + "\n")
        window.until(lambda: b"Code: " in window.data)
        window.type("\x03")
        self.assertEqual(window.end(), 130)
        self.assertNotIn(PASSWORD.encode(), window.data)

    def test_ctrl_c_at_the_password_gives_the_echo_back(self):
        window = self.window(self.copy, "--account", "jd@example.com", "login")
        window.until(lambda: b"Password: " in window.data)
        self.assertEqual(termios.tcgetattr(window.master)[3] & termios.ECHO, 0)
        window.type("half a pass\x03")
        window.until(lambda: b"Interrupted" in window.data)
        mode = termios.tcgetattr(window.master)[3]
        self.assertEqual(window.end(), 130)
        self.assertNotEqual(mode & termios.ECHO, 0)
        self.assertNotIn(b"half", window.data)


class Pipes(Case):
    assets = 40

    def test_nobody_reads_any_more(self):
        """It goes on to its end, and says that what it wrote is lost."""
        copy = self.signed_in()
        process = copy.start("sync", "--root", copy.root, "--json")
        process.stdout.close()
        process.stderr.close()
        process.stdout = process.stderr = None
        self.assertEqual(process.wait(PATIENCE_S), 5)
        compare(self, copy)
        self.status_is(copy.sync(), 0)


if __name__ == "__main__":
    main()
