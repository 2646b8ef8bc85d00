"""The same copy on volumes that are not like the usual one.

exFAT knows no letter case in looking names up, no links, no modes and no
exclusive renaming; NTFS is mounted without letter case as well.  Both lie in a
file, mounted by FUSE, which takes root, /dev/fuse and a loop device.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import Copy, Sim, check_sums, compare, main, sha256_of, wait_for

JULY_MS = 1720000000000
HOSTILE = [
    "1034:4677000000000001.mp4", "\"?*<>|.jpg", "a/b.jpg", "a\\b.jpg",
    "a_b.jpg", "CON.JPG", "com1.jpg", "LPT\u00b9.jpg", "nul", "trailing. ",
    "trailing.jpg.", ".hidden.jpg", "..", "tab\there.jpg", "\u202egpj.jpg",
    "\u200b\u200d.jpg", "Jo\u0308rg.jpg", "J\u00f6rg.jpg", "J\u00d6RG.jpg",
    "stra\u00dfe.jpg", "STRASSE.JPG", "\u0130.jpg", "i\u0307.jpg",
    "\u039f\u03a3.jpg", "\u03bf\u03c2.jpg", "\u5047\u671f_01.jpg",
    "\U0001f3d6\ufe0f.jpg", "\U0001f469\u200d\U0001f680" * 30 + ".jpg",
    "x" * 400 + ".jpg", "\u00e9" * 200 + ".jpg", "y" * 250 + ".toolongext",
    "IMG.JPG", "img.jpg", "Img.Jpg", "IMG~1.JPG", "\ufdd0\uffff.jpg",
    "$MFT", "Albums", "SHA256SUMS",
]
DATES_MS = [
    -63849600000,         # 1967, B057
    -5364662400000,       # 1800
    315532799000,         # one second before 1980
    4102444800000,        # 2100
    7289654399999,        # the end of 2200
    -62135769600000,      # the year 0
    86526000000000000,    # the year 2,743,924, B058
    (1 << 63) - 1,
]


def run(*words):
    return subprocess.run(words, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Volume:
    """A file system in a file; skips the test where it cannot be had."""

    def __init__(self, test, bytes_, make, mount):
        for tool in ("losetup", "umount", make[0], mount[0]):
            if shutil.which(tool) is None:
                test.skipTest("%s is not installed" % tool)
        if os.geteuid() != 0:
            test.skipTest("mounting a volume takes root")
        if not os.path.exists("/dev/fuse"):
            test.skipTest("there is no /dev/fuse")
        self.mount_words = mount
        self.dir = tempfile.mkdtemp(prefix="volume-")
        test.addCleanup(shutil.rmtree, self.dir, True)
        self.at = os.path.join(self.dir, "at")
        os.mkdir(self.at)
        image = os.path.join(self.dir, "image")
        with open(image, "wb") as file:
            file.truncate(bytes_)
        done = run(*make, image)
        test.assertEqual(done.returncode, 0, done.stdout.decode())
        done = run("losetup", "--find", "--show", image)
        if done.returncode != 0:
            test.skipTest("no loop device: %s" % done.stdout.decode().strip())
        self.device = done.stdout.decode().strip()
        test.addCleanup(run, "losetup", "--detach", self.device)
        test.addCleanup(self.unmount)
        done = self.mount()
        if done.returncode != 0:
            test.skipTest("cannot be mounted here: %s" %
                          done.stdout.decode().strip())

    def mount(self):
        return run(self.mount_words[0], self.device, self.at,
                   *self.mount_words[1:])

    def unmount(self):
        if os.path.ismount(self.at):
            run("umount", self.at)


class Volumes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Sim("--sizes", "tiny", assets=60, seed=5)
        cls.addClassCleanup(cls.sim.close)
        for name in HOSTILE:
            cls.sim.change("add", kind="jpeg", name=name, size=900,
                           date_ms=JULY_MS)
        cls.sim.change("add", kind="live", name="FullSizeRender.HEIC",
                       count=3, date_ms=JULY_MS)
        for number, date in enumerate(DATES_MS):
            cls.sim.change("add", kind="jpeg", name="Date %d.jpg" % number,
                           size=700, date_ms=str(date))

    def home(self, root):
        copy = Copy(self.sim)
        self.addCleanup(copy.close)
        copy.root = root if root is not None else copy.root
        result = copy.login()
        self.assertEqual(result.status, 0, str(result))
        return copy

    def ends_well(self, result):
        self.assertEqual(result.status, 0, str(result))
        # But for the one of --connect-to.
        self.assertLessEqual(result.err.count("warning: "), 1, str(result))

    def is_whole(self, copy):
        compare(self, copy)
        names = check_sums(self, copy)
        self.assertEqual(len({n.casefold() for n in names}), len(names))
        return names

    @staticmethod
    def times(copy):
        """As snapshot(), but for what such volumes make anew each time."""
        return {path: (seen[1], seen[2])
                for path, seen in copy.snapshot().items()}

    def usual_names(self):
        copy = self.home(None)
        self.ends_well(copy.sync())
        return self.is_whole(copy)

    def albums(self, copy, kind):
        result = copy.sync("--albums", "links", "--json")
        self.assertEqual(result.status, 0, str(result))
        said = result.event("albums")
        self.assertEqual(said["kind"], kind)
        self.assertEqual(said["made"] > 0, kind is not None)
        self.assertEqual(result.err.count("neither symbolic nor hard"),
                         kind is None)
        before = self.times(copy)
        said = copy.sync("--albums", "links", "--json").event("albums")
        self.assertEqual((said["made"], said["removed"]), (0, 0))
        self.assertEqual(self.times(copy), before)
        verdict = copy.verify("--json").event("verdict")
        self.assertEqual((verdict["foreign"], verdict["status"]), (0, 0))

    def whole_life(self, volume, links):
        copy = self.home(os.path.join(volume.at, "copy"))
        self.ends_well(copy.sync())
        names = self.is_whole(copy)
        # What has reached the volume, not what is remembered of it.
        volume.unmount()
        self.assertFalse(os.path.ismount(volume.at))
        result = copy.sync()
        self.assertEqual(result.status, 5, str(result))
        self.assertEqual(os.listdir(volume.at), [])
        done = volume.mount()
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        before = self.times(copy)
        result = copy.sync("--json")
        self.ends_well(result)
        self.assertEqual(result.event("verdict")["fetched"], 0)
        self.assertEqual(self.times(copy), before)
        self.ends_well(copy.verify())
        self.albums(copy, links)
        self.repairs(copy, sorted(names)[0])
        self.recovers(os.path.join(volume.at, "second"))
        # Which of two namesakes gets the plain name is for the first that
        # comes; all else is the same.
        plain = [sorted(re.sub("-[a-z2-7]{8}(?=[._]|$)", "", name).casefold()
                        for name in some)
                 for some in (names, self.usual_names())]
        self.assertEqual(*plain)

    def repairs(self, copy, name):
        path = os.path.join(copy.root, name)
        right = sha256_of(path)
        os.chmod(path, 0o644)
        os.truncate(path, 10)  # B032
        self.assertEqual(copy.verify().status, 1)
        result = copy.verify("--repair")
        self.assertEqual(result.status, 0, str(result))
        self.assertEqual(sha256_of(path), right)

    def recovers(self, root):
        copy = self.home(root)
        self.sim.fault("content", "delay", ms=50, times=-1)
        process = copy.start("sync", "--root", copy.root)
        partial = os.path.join(root, ".icloud-pull", "partial.noindex")

        def under_way():
            return os.path.isdir(partial) and len(os.listdir(partial)) > 4
        wait_for(lambda: under_way() or None, process)
        process.kill()
        process.communicate()
        self.sim.clear_faults()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        self.assertLess(len(copy.files()), len(self.sim.truth()))
        self.ends_well(copy.sync())
        self.is_whole(copy)
        self.assertEqual(os.listdir(partial), [])

    def test_exfat(self):
        self.whole_life(Volume(self, 512 << 20, ["mkfs.exfat"],
                               ["mount.exfat-fuse"]), None)

    def test_ntfs_without_letter_case(self):
        self.whole_life(Volume(self, 128 << 20, ["mkntfs", "-F", "-Q"],
                               ["lowntfs-3g", "-o", "ignore_case"]),
                        "symbolic")


if __name__ == "__main__":
    main()
