"""A first run of a mixed library beside curl, which fetches the same bytes over
as many connections and proves nothing.  40 ms of delay before each answer.  Ends
with the ratios of throughput and of processors' time, and with 1 if one is worse
than docs/design.md says.

    BUILD=build python3 tests/bench/download.py [ASSETS]
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../run"))

from harness import Copy, Sim  # noqa: E402
from verify import timed  # noqa: E402

DELAY_MS = 40
ROUNDS = 3
LEAST = 0.9         # of curl's throughput
MOST_PROCESSORS = 2 # times curl and openssl


def curl(sim, urls, jobs):
    """As many at once, into files; and one SHA-256 over each, as a person would
    do it by hand."""
    folder = tempfile.mkdtemp(prefix="curl-")
    try:
        with open(os.path.join(folder, "urls"), "w", encoding="ascii") as file:
            for n, url in enumerate(urls):
                file.write('url = "%s"\noutput = "%d"\n' % (
                    url.replace("${f}", "f"), n))
        result, wall, cpu = timed(lambda: subprocess.run(
            ["curl", "-s", "-S", "--fail", "--no-progress-meter", "--http1.1", "--parallel",
             "--parallel-max", str(jobs), "--cacert", sim.ca_file,
             "--connect-to", "::127.0.0.1:%d" % sim.port, "-K", "urls"],
            cwd=folder, check=True))
        names = [str(n) for n in range(len(urls))]
        _, _, hashing = timed(lambda: subprocess.run(
            ["openssl", "dgst", "-sha256", *names], cwd=folder, check=True,
            stdout=subprocess.DEVNULL))
        return result, wall, cpu + hashing
    finally:
        shutil.rmtree(folder)


def pull(sim, jobs):
    copy = Copy(sim)
    try:
        assert copy.login().status == 0
        result, wall, cpu = timed(
            lambda: copy.sync("-q", "--jobs", str(jobs)))
        assert result.status == 0, str(result)
        return result, wall, cpu
    finally:
        copy.close()


def main():
    assets = int(sys.argv[1] if len(sys.argv) > 1 else 250)
    sim = Sim("--sizes", "real", "--delay-ms", DELAY_MS, assets=assets)
    bad = False
    try:
        size = {t["sha256"]: t["size"] for t in sim.truth()}
        # Two assets can have the same bytes: once each.
        links = {url.split("?")[0]: url for url in
                 sim.control("/links").decode().splitlines()}.values()
        total = sum(size.values())
        for jobs in (8, 32):
            best = {}
            for _ in range(ROUNDS):
                for word, call in (
                        ("curl", lambda: curl(sim, links, jobs)),
                        ("icloud-pull", lambda: pull(sim, jobs))):
                    _, wall, cpu = call()
                    old = best.get(word, (wall, cpu))
                    best[word] = min(wall, old[0]), min(cpu, old[1])
            for word, (wall, cpu) in best.items():
                print("%-11s %d files, %.0f MB, %d at once: %.2f s, "
                      "%.0f MB/s, %.2f s of processors" % (
                          word, len(size), total / 1e6, jobs, wall,
                          total / 1e6 / wall, cpu))
            ratio = best["curl"][0] / best["icloud-pull"][0]
            cpu = best["icloud-pull"][1] / best["curl"][1]
            print("ratio %.3f (at least %.1f); of processors %.3f (at most "
                  "%d)" % (ratio, LEAST, cpu, MOST_PROCESSORS), flush=True)
            bad = bad or ratio < LEAST or cpu > MOST_PROCESSORS
        return 1 if bad else 0
    finally:
        sim.close()


if __name__ == "__main__":
    sys.exit(main())
