"""Public clients, unmodified, against the simulated iCloud.

Their hosts are fixed in them.  So this program starts itself once more in a
network and a mount namespace of its own: there the hosts file names 127.0.0.1
for each of Apple's hosts, the simulator listens on port 443, and nothing else
can be reached.  Each client signs in with a code and downloads a library of a
hundred files, which are compared with the simulator's truth; then it runs once
more with what it has kept.

Where a client cannot be installed or namespaces cannot be made, its test is
skipped with the reason.
"""

import collections
import errno
import fcntl
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "run"))

import clients  # noqa: E402
import harness  # noqa: E402

PORT = 443
HOSTS = ["idmsa.apple.com", "setup.icloud.com", "www.icloud.com",
         "cvws.icloud-content.com",
         *("p%02d-ckdatabasews.icloud.com" % n for n in range(1, 100))]

# Test -> why it cannot run; filled before the tests are.
reasons = {}

# Beside fifty ordinary photos and videos, a sixth of them Live Photos.
KINDS = ("raw", "raw", "raw", "raw_alt", "dng", "video", "video_edited", "mp4",
         "slomo", "live", "live_edited", "edited", "screenshot", "gif", "png",
         "hidden", "future")
NAMES = ("J\u00f6rg.JPG", "Jo\u0308rg.JPG", "IMG_0001.JPG", "img_0001.jpg",
         "holiday/beach.JPG", "../../escape.JPG", "..", ".DS_Store",
         "no extension", "trailing. ", "CON.JPG", "-rf.JPG",
         "what \"*?<>| not.JPG", "$(touch oops) `x` %s.JPG",
         "line\nbreak\x01.JPG", "\U0001f600 Urlaub \U0001f3d6.JPG",
         "\u5047\u671f_01.JPG", "RTL \u202e gpj.JPG")
DAY_MS = 86400000


def fill(sim):
    sim.change("plain", assets=50)
    for number, kind in enumerate(KINDS):
        sim.change("add", kind=kind, date_ms=1600000000000 + number * DAY_MS)
    for number, name in enumerate(NAMES):
        sim.change("add", kind="jpeg", name=name,
                   date_ms=1620000000000 + number * DAY_MS)
    sim.change("duplicate", nth=3)
    sim.change("edit", nth=4, sidecar=True)
    sim.change("trash", nth=5)


class Compat(unittest.TestCase):
    def setUp(self):
        if self._testMethodName in reasons:
            self.skipTest(reasons[self._testMethodName])

    def begin(self, kind):
        """The client, with a library and an account that it can know."""
        sim = harness.Sim("--port", PORT, assets=0)
        self.addCleanup(sim.close)
        self.assertEqual(sim.port, PORT)
        fill(sim)
        sim.change("account_set", **kind.account)
        home = tempfile.mkdtemp(prefix="compat-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        return kind(sim, home)

    def ends_well(self, client, status):
        """Exit status 0, and nothing that neither side can explain."""
        self.assertEqual(status, 0, "%s: %s\n%s" % (
            client.name, status, client.said()[-5000:]))
        counters = client.sim.counters()
        # Nothing that the simulator should have known and did not.
        self.assertEqual(counters["by"]["other"], 0, client.sim.control(
            "/requests"))
        self.assertEqual(counters["by"]["records_modify"], 0)
        self.assertEqual([v for v in counters["violations"]
                          if not client.is_liberty(v)], [])
        return counters

    def compare(self, client):
        """Each expected content is there, and no other; by kind, what is and
        what is not."""
        truth = client.sim.truth()
        held = {(harness.sha256_of(path), os.path.getsize(path)): path
                for path in client.files()}
        known = {(line["sha256"], line["size"]) for line in truth}
        self.assertEqual([path for content, path in held.items()
                          if content not in known], [],
                         "files of no content that the library has")
        missing, left_out = [], collections.Counter()
        here = collections.Counter()
        for line in truth:
            kind = client.has_left_out(line)
            if (line["sha256"], line["size"]) in held:
                here[line["role"]] += 1
            elif kind is None:
                missing.append(line)
            else:
                left_out[kind] += 1
        self.assertEqual(missing, [], "not on the disk")
        return len(held), here, left_out

    def downloads_the_library(self, kind):
        client = self.begin(kind)
        before = client.sim.code()
        status = client.run(lambda process: harness.wait_for(
            lambda: harness.newer(client.sim.code(), before), process))
        counters = self.ends_well(client, status)
        by = counters["by"]
        for name in ("signin_init", "signin_complete", client.submits, "trust",
                     "account_login", "records_query", "content"):
            self.assertGreater(by[name], 0, name)
        files, here, left_out = self.compare(client)
        self.assertGreaterEqual(by["content"], files)
        # A library without what makes it hard would prove little.
        self.assertGreater(here["original"], 80, here)
        self.assertGreater(here["edited"], 2, here)
        for role, name in (("live", "Live Photo movies"),
                           ("alternative", "RAW twins")):
            self.assertGreater(here[role] + left_out[name], 3, role)
        say("\n%s %s signed in with a code from %s and fetched %d files, "
            "all with Apple's bytes: %s." % (
                client.name, client.version, client.code_from, files,
                counted(here)))
        say("  It left out, as it is known to: %s." % counted(left_out))
        say("  Its liberties with the protocol: %s." % counted(
            collections.Counter(text.split(": ", 1)[1] for text in
                                counters["violations"])))
        self.once_more(client)

    def once_more(self, client):
        """What it has kept is good for another run: no code, no bytes."""
        client.sim.reset_counters()
        by = self.ends_well(client, client.run(None))["by"]
        for name in ("code_request_device", "code_request_phone",
                     "code_submit_device", "code_submit_phone", "content"):
            self.assertEqual(by[name], 0, name)
        self.assertGreater(by["records_query"], 0)
        self.compare(client)
        say("  Once more: no code was asked for, nothing fetched.")

    def test_icloudpd(self):
        self.downloads_the_library(clients.Icloudpd)

    def test_icloud_photos_sync(self):
        self.downloads_the_library(clients.IcloudPhotosSync)


def say(text):
    print(text, flush=True)


def counted(counter):
    return ", ".join("%d %s" % (n, what)
                     for what, n in sorted(counter.items()))


def test_of(kind):
    return "test_" + re.sub("[^a-z]", "_", kind.name)


def namespaces():
    """The words before a command that give it namespaces of its own."""
    words = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        words.append("--map-root-user")
    try:
        clients.command(*words, "true")
    except clients.CannotRun as why:
        raise clients.CannotRun(
            "no private network can be made: %s" % why) from None
    return words


def enter():
    """Inside of the namespaces: loopback is up, Apple's hosts are here, and no
    packet could leave."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # Sends nothing; the address is one that no machine has.
        if sock.connect_ex(("192.0.2.1", 9)) != errno.ENETUNREACH:
            raise clients.CannotRun("this network is not a private one")
        up = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, up)  # SIOCSIFFLAGS
    with tempfile.NamedTemporaryFile("w", prefix="hosts-") as file:
        file.write("".join("127.0.0.1 %s\n" % host
                           for host in ["localhost", *HOSTS]))
        file.flush()
        os.chmod(file.name, 0o644)
        clients.command("mount", "--bind", file.name, "/etc/hosts")
    for host in HOSTS:
        try:
            led_to = socket.gethostbyname(host)
        except OSError as why:
            led_to = str(why)
        if led_to != "127.0.0.1":
            raise clients.CannotRun("the hosts file is not what names are "
                                    "looked up in: %s: %s" % (host, led_to))


def cannot_run(why):
    for kind in clients.CLIENTS:
        reasons.setdefault(test_of(kind), str(why))


def main():
    inside = os.environ.pop("COMPAT_REASONS", None)
    if inside is not None:
        reasons.update(json.loads(inside))
        try:
            enter()
        except clients.CannotRun as why:
            cannot_run(why)
        return harness.main()
    words = []
    try:
        words = namespaces()
    except clients.CannotRun as why:
        cannot_run(why)
    os.makedirs(clients.FOLDER, exist_ok=True)
    for kind in clients.CLIENTS:
        try:
            if test_of(kind) not in reasons:
                kind.install()
        except clients.CannotRun as why:
            reasons[test_of(kind)] = str(why)
        if test_of(kind) in reasons:
            say("%s: skipped: %s" % (kind.name, reasons[test_of(kind)]))
    if len(reasons) == len(clients.CLIENTS):
        return harness.main()
    return subprocess.run(
        [*words, sys.executable, *sys.argv],
        env=dict(os.environ, COMPAT_REASONS=json.dumps(reasons))).returncode


if __name__ == "__main__":
    sys.exit(main())
