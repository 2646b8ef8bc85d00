"""A first run's list out of iCloud's indexes, with each page taking three
seconds as it does at Apple; feed and transfers go on beside it.  Ends with 1 if
it takes more than five minutes for 100,000 assets (docs/design.md).

    BUILD=build python3 tests/bench/listing.py [ASSETS]
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../run"))

from harness import Copy, Sim, stop  # noqa: E402

PAGE_S = 3
WORST_S = 300 / 100000  # an asset
POLL_S = 0.2


def index_time(sim, process):
    """Seconds until the last page of an index was asked for, and pages."""
    began = time.monotonic()
    pages, last = 0, began
    while time.monotonic() - last < 5 * PAGE_S:
        assert process.poll() is None, "it has ended by itself"
        now = sim.counters()["by"].get("records_query", 0)
        if now != pages:
            pages, last = now, time.monotonic()
        time.sleep(POLL_S)
    return last + PAGE_S - began, pages


def main():
    assets = int(sys.argv[1] if len(sys.argv) > 1 else 100000)
    sim = Sim(assets=assets)
    copy = Copy(sim)
    try:
        assert copy.login().status == 0
        for name in ("records_query", "changes_zone"):
            sim.fault(name, "delay", ms=PAGE_S * 1000, times=-1)
        sim.reset_counters()
        process = copy.start("sync", "--root", copy.root, "-q",
                             "--limit-rate", "1M")
        seconds, pages = index_time(sim, process)
        stop(process)
        print("%d assets, %d pages of %d s: %.0f s (at most %.0f); one after "
              "another %d s" % (assets, pages, PAGE_S, seconds,
                                WORST_S * assets, pages * PAGE_S))
        return 0 if seconds <= WORST_S * assets else 1
    finally:
        copy.close()
        sim.close()


if __name__ == "__main__":
    sys.exit(main())
