"""Clients that others publish: how each is installed and run.

Nothing of a client is changed.  Its version is fixed here; what it is known to
leave out of a library, and which liberties it takes with the protocol, stand
beside it, so that anything else is a failure.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

from harness import ACCOUNT, BUILD, PASSWORD, PATIENCE_S, wait_for

FOLDER = os.path.abspath(os.path.join(BUILD, "compat"))


class CannotRun(Exception):
    """Why a client cannot be installed or run on this machine."""


def command(*words):
    """What it said; CannotRun if it is not there or did not succeed."""
    name = " ".join([os.path.basename(words[0]), *words[1:2]])
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    except FileNotFoundError:
        raise CannotRun("%s is not installed" % words[0]) from None
    except subprocess.TimeoutExpired:
        raise CannotRun("%s does not end" % name) from None
    said = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        lines = said.splitlines()
        errors = [line for line in lines
                  if re.match("(npm )?error[: ]", line, re.IGNORECASE)]
        raise CannotRun("%s failed: %s" % (
            name, (errors or lines or ["in silence"])[0]))
    return said


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Client:
    # Regular expressions, each for a whole violation that the simulator
    # counts: what this client does and Apple's service bears.
    liberties = ()
    # Kind -> whether a line of the truth is of it.
    leaves_out = {}
    # Of the simulated account, beside the defaults.
    account = {}

    def __init__(self, sim, home):
        """home is an empty folder; all that the client writes is in it."""
        self.sim = sim
        self.home = home
        self.log = os.path.join(FOLDER, self.name + ".log")
        self.env = {
            "HOME": home,
            "TMPDIR": home,
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "REQUESTS_CA_BUNDLE": sim.ca_file,
            "NODE_EXTRA_CA_CERTS": sim.ca_file,
        }

    def start(self, *words, env=None):
        """A new session, so that it has no terminal and ends as a whole."""
        with open(self.log, "wb") as log:
            return subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=log,
                stderr=subprocess.STDOUT, env=env or self.env, cwd=self.home,
                start_new_session=True)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_until_said(self, text, process):
        """True, or None if it ended without."""
        return wait_for(lambda: text in self.said() or None, process)

    def end(self, process):
        """Its exit status; what does not end by itself is ended."""
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            kill(process)

    def has_left_out(self, line):
        """The kind, if a line of the truth is of one that it leaves out."""
        for kind, is_of in self.leaves_out.items():
            if is_of(line):
                return kind
        return None

    def is_liberty(self, violation):
        return any(re.fullmatch(known, violation) for known in self.liberties)

    def files(self):
        """Paths of the files that it holds for photos and videos."""
        found = []
        for folder, _, names in os.walk(self.photos):
            found += [os.path.join(folder, name) for name in names]
        return [path for path in found if not os.path.islink(path)]


def kill(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def is_hidden(line):
    return line["state"] == "hidden"


def is_trashed(line):
    return line["state"] == "trashed"


def role_is(role):
    return lambda line: line["role"] == role


class Icloudpd(Client):
    """A program of one file, which unpacks itself anew for each run."""

    name = "icloudpd"
    version = "1.32.3"
    folder = os.path.join(FOLDER, name + "-" + version)
    program = os.path.join(folder, "bin", "icloudpd")
    code_from = "the devices"
    submits = "code_submit_device"
    # It does not know the second proof of a password [escrow].
    account = {"escrow": False}
    leaves_out = {
        "hidden photos": is_hidden,
        "Recently Deleted": is_trashed,
        "edited videos": role_is("edited-video"),
        "sidecars": role_is("sidecar"),
    }
    liberties = (
        r"/signin/complete: scnt is missing",
        r"accountLogin: Content-Type of the body is missing",
        # It asks for the trusted phones outside of its session.
        r"/appleauth/auth: cookie aasp was not sent",
        r"/appleauth/auth: User-Agent is no current browser's",
        r"/appleauth/auth: no Accept header",
        r"/appleauth/auth: Origin is missing",
        r"/appleauth/auth: header X-Apple-OAuth-Response-(Mode|Type) "
        r"is missing",
        r"[/a-z]+: User-Agent changed within a sign-in",
        # An empty value, which deletes, is kept and sent.
        r"(CloudKit|/setup/ws/1/validate): a deleted cookie was sent",
    )

    @classmethod
    def install(cls):
        if os.path.exists(cls.program):
            return
        shutil.rmtree(cls.folder, ignore_errors=True)
        command(sys.executable, "-m", "venv", cls.folder)
        command(os.path.join(cls.folder, "bin", "pip"), "install",
                "--quiet", "--retries", "1", "icloudpd==" + cls.version)

    def __init__(self, sim, home):
        super().__init__(sim, home)
        self.photos = os.path.join(home, "photos")
        self.options = (
            "--directory", self.photos,
            "--cookie-directory", os.path.join(home, "cookies"),
            "--size", "original", "--size", "adjusted", "--size",
            "alternative", "--password-provider", "console",
            "--mfa-provider", "console", "--username", ACCOUNT)
        self.unpacked, self.unpacked_env = self.unpack()

    def unpack(self):
        """Its unpacked program and the environment which that wants.

        Some of its requests trust only the authorities that come with it, of
        which it keeps what it read at its start.  So it is started without a
        password, for which it waits before its first request, and is killed
        there: its files stay, and one more authority is added to them."""
        process = self.start(self.program, *self.options)
        self.wait_until_said("iCloud Password for", process)
        home = b"_PYI_APPLICATION_HOME_DIR"
        found = None
        for pid in os.listdir("/proc"):
            try:
                if pid.isdigit() and os.getsid(int(pid)) == process.pid:
                    with open("/proc/%s/environ" % pid, "rb") as file:
                        env = dict(pair.split(b"=", 1) for pair in
                                   file.read().split(b"\0") if b"=" in pair)
                    if home in env:
                        found = os.readlink("/proc/%s/exe" % pid), env
            except OSError:
                continue
        kill(process)
        process.stdin.close()
        if found is None:
            raise AssertionError("icloudpd is no longer packed as it was:\n" +
                                 self.said())
        bundle = os.path.join(os.fsdecode(found[1][home]), "certifi",
                              "cacert.pem")
        with open(bundle, "ab") as to, open(self.sim.ca_file, "rb") as ca:
            to.write(b"\n" + ca.read())
        return found

    def run(self, code):
        """The exit status.  code(process) gives the code once the client waits
        for it; None: it must do without."""
        process = self.start(self.unpacked, *self.options,
                             env=self.unpacked_env)
        if code is not None:
            self.say(process, PASSWORD)
            self.wait_until_said("Please enter two-factor", process)
            self.say(process, code(process) or "")
        return self.end(process)

    @staticmethod
    def say(process, line):
        try:
            process.stdin.write((line + "\n").encode())
            process.stdin.flush()
        except BrokenPipeError:
            pass


class IcloudPhotosSync(Client):
    """Asks for its code in a page of its own."""

    name = "icloud-photos-sync"
    version = "4.0.0"
    folder = os.path.join(FOLDER, name + "-" + version)
    program = os.path.join(folder, "node_modules", ".bin",
                           "icloud-photos-sync")
    code_from = "a text message"
    submits = "code_submit_phone"
    # Of before mid-2026: it knows neither the second proof nor 409 as an
    # answer to a right code [escrow] [code-submit].
    account = {"escrow": False, "code_answer": "204"}
    leaves_out = {
        "hidden photos": is_hidden,
        "Recently Deleted": is_trashed,
        "edited videos": role_is("edited-video"),
        "sidecars": role_is("sidecar"),
        "Live Photo movies": role_is("live"),
        "RAW twins": role_is("alternative"),
        "kinds of file unknown to it":
            lambda line: line["uti"] == "com.example.future",
    }
    liberties = (
        r"[/a-z0-9]+: header X-Apple-OAuth-(Require-Grant-Code|State) "
        r"is missing",
        r"[/a-z0-9]+: X-Apple-OAuth-Redirect-URI is missing",
        # The session token is sent instead.
        r"[/a-z0-9]+: X-Apple-ID-Session-Id is not the last one given",
        r"/signin/complete: does not ask to be remembered",
        r"/signin/complete: trustTokens has an empty one",
        r"(accountLogin|logout|CloudKit): Referer is not "
        r"https://www\.icloud\.com/",
        r"accountLogin: a member of the body is missing",
        r"logout: parameter [A-Za-z]+ is missing",
    )

    @classmethod
    def install(cls):
        node = command("node", "--version")
        if int(re.match(r"v(\d+)", node).group(1)) < 20:
            raise CannotRun("Node is %s; 20 or later is needed" % node)
        if os.path.exists(cls.program):
            return
        shutil.rmtree(cls.folder, ignore_errors=True)
        command("npm", "install", "--prefix", cls.folder, "--no-fund",
                "--no-audit", "--fetch-retries", "1",
                "--fetch-retry-mintimeout", "1000",
                "icloud-photos-sync@" + cls.version)

    def __init__(self, sim, home):
        super().__init__(sim, home)
        self.library = os.path.join(home, "library")
        self.photos = os.path.join(self.library, "_All-Photos")

    def run(self, code):
        """As Icloudpd.run()."""
        port = free_port()
        options = []
        if code is None:
            # It writes its file of state before it has read it; the option
            # for the trust token is the way around that.
            with open(os.path.join(self.library, ".icloud-photos-sync"),
                      encoding="utf-8") as file:
                options = ["--trust-token", json.load(file)["trustToken"]]
        process = self.start(
            self.program, "--username", ACCOUNT, "--password", PASSWORD,
            "--data-dir", self.library, "--port", str(port), "--log-to-cli",
            "--mfa-timeout", "60", "--max-retries", "1", *options, "sync")
        if code is not None and \
                self.wait_until_said("MFA code required", process):
            page = "http://127.0.0.1:%d/api" % port
            post(page + "/resend_mfa?method=sms&phoneNumberId=3")
            post(page + "/mfa?code=" + (code(process) or ""))
        return self.end(process)


def post(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method="POST"),
                     timeout=PATIENCE_S) as answer:
        answer.read()


CLIENTS = (Icloudpd, IcloudPhotosSync)
