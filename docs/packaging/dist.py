"""Make the tarball of a release, and the Homebrew formula that fetches it.

    python3 docs/packaging/dist.py VERSION FOLDER [URL]

FOLDER/icloud-pull-VERSION.tar.gz holds the files that git knows of, as they lie
here, and MANIFEST, the list of them; in an unpacked tarball, where there is no
git, that list says what to pack.  The same files give the same bytes anywhere:
names are sorted, owners are 0, and every time is that of the newest entry in
debian/changelog, whose version must be VERSION.

URL is where the formula finds the tarball; without it, where it lies.
"""

import email.utils
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
MANIFEST = "MANIFEST"


def names():
    """What belongs to the project, as paths from its top."""
    if os.path.exists(os.path.join(TOP, ".git")):
        out = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True,
                             stdout=subprocess.PIPE).stdout
        return out.decode().split("\0")[:-1]
    with open(os.path.join(TOP, MANIFEST), encoding="utf-8") as file:
        return file.read().splitlines()


def released():
    """Version and time of the newest entry of the changelog."""
    with open(os.path.join(HERE, "debian", "changelog"),
              encoding="utf-8") as file:
        text = file.read()
    version = re.match(r"icloud-pull \(([^)]*)-[^-)]*\)", text).group(1)
    date = re.search(r"^ -- .*>  (.*)$", text, re.M).group(1)
    return version, int(email.utils.parsedate_to_datetime(date).timestamp())


def pack(path, top, files, mtime):
    """files: pairs of a name and its bytes and whether it is executable."""
    with open(path, "wb") as raw, \
            gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode="w",
                         format=tarfile.USTAR_FORMAT) as tar:
        for name, (data, executable) in sorted(files.items()):
            info = tarfile.TarInfo(top + "/" + name)
            info.size = len(data)
            info.mode = 0o755 if executable else 0o644
            info.mtime = mtime
            tar.addfile(info, io.BytesIO(data))


def read(name):
    path = os.path.join(TOP, name)
    with open(path, "rb") as file:
        return file.read(), bool(os.stat(path).st_mode & 0o100)


def main():
    version, folder = sys.argv[1:3]
    in_changelog, mtime = released()
    if in_changelog != version:
        sys.exit("The Makefile says version %s, the newest entry of "
                 "docs/packaging/debian/changelog %s." % (version,
                                                          in_changelog))
    files = {name: read(name) for name in names()}
    listed = "".join(name + "\n" for name in sorted(files)).encode()
    files[MANIFEST] = listed, False
    top = "icloud-pull-" + version
    os.makedirs(folder, exist_ok=True)
    path = os.path.abspath(os.path.join(folder, top + ".tar.gz"))
    pack(path + ".new", top, files, mtime)
    os.replace(path + ".new", path)

    with open(path, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    with open(os.path.join(HERE, "icloud-pull.rb"), encoding="utf-8") as file:
        formula = file.read()
    url = sys.argv[3] if len(sys.argv) > 3 else "file://" + path
    with open(os.path.join(folder, "icloud-pull.rb"), "w",
              encoding="utf-8") as file:
        file.write(formula.replace("@URL@", url).replace("@SHA256@", sha256))
    print("%s  %s" % (sha256, os.path.relpath(path)))


main()
