"""verify of local files beside OpenSSL's two hashes over the same files, in as
many threads, files in the page cache.  Ends with the ratio, and with 1 if it is
worse than 1.1 (docs/design.md).

    BUILD=build python3 tests/bench/verify.py [MEGABYTES]
"""

import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../run"))

from harness import BUILD, Copy, Sim  # noqa: E402

HASH = os.path.abspath(os.path.join(BUILD, "bench-hash"))
ROUNDS = 7
FILE = 3 << 20  # as a photo is large
WORST = 1.1


def warm(paths):
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


def timed(call):
    """What it returns, seconds by the clock, seconds of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    result = call()
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, seconds, (after.ru_utime - before.ru_utime +
                             after.ru_stime - before.ru_stime)


def main():
    files = max(1, int(sys.argv[1] if len(sys.argv) > 1 else 2400) * 10**6 //
                FILE)
    sim = Sim(assets=0)
    copy = Copy(sim)
    try:
        assert copy.login().status == 0
        for _ in range(files):
            sim.change("add", kind="jpeg", size=FILE)
        assert copy.sync().status == 0
        paths = sorted(copy.files().values())
        names = "".join(path + "\n" for path in paths).encode()
        threads = os.cpu_count()
        seconds, processors = {}, {}
        for _ in range(ROUNDS):
            for word, call in (
                    ("OpenSSL", lambda: subprocess.run(
                        [HASH, str(threads)], input=names, check=True,
                        stdout=subprocess.DEVNULL)),
                    ("verify", lambda: copy.verify("-q"))):
                warm(paths)
                result, wall, cpu = timed(call)
                if word == "verify":
                    assert result.status == 0, str(result)
                seconds.setdefault(word, []).append(wall)
                processors.setdefault(word, []).append(cpu)
        size = sum(os.path.getsize(path) for path in paths)
        # The best of each: the rest is what else the machine had to do.
        for word, times in seconds.items():
            print("%-8s %d files, %.0f MB, %d threads: %.3f s, %.0f MB/s, "
                  "%.3f s of processors" % (
                      word, len(paths), size / 1e6, threads, min(times),
                      size / 1e6 / min(times), min(processors[word])))
        ratio = min(seconds["verify"]) / min(seconds["OpenSSL"])
        print("ratio %.3f (at most %.2f); of processors %.3f" % (
            ratio, WORST,
            min(processors["verify"]) / min(processors["OpenSSL"])))
        return 0 if ratio <= WORST else 1
    finally:
        copy.close()
        sim.close()


if __name__ == "__main__":
    sys.exit(main())
