"""Everything a library holds, and what becomes of it: libraries of all kinds, and
random changes between runs.  After each run truth and disk agree, and nothing
that was held is less than before.

LIBRARY_SEEDS=20 LIBRARY_ASSETS=3000 (make library) is the long form; LIBRARY_SEED
begins with that one.
"""

import os
import random
import re
import unicodedata

import harness
from test_manifest import manifest

SEEDS = int(os.environ.get("LIBRARY_SEEDS", "1"))
FIRST = int(os.environ.get("LIBRARY_SEED") or random.randrange(1, 10 ** 6))
ASSETS = int(os.environ.get("LIBRARY_ASSETS", "200"))
CHANGES = 30
SHARED = {"as": "guest", "assets": max(ASSETS // 10, 12)}
# Each with how many assets it takes at most.
OF_ASSETS = {
    "duplicate": 2, "edit": 3, "revert": 2, "hide": 2, "unhide": 2,
    "trash": 4, "restore": 2, "purge": 3, "favourite": 3, "unfavourite": 2,
    "caption": 3, "replace_original": 2, "late_movie": 2,
    "move_to_shared": 2,
}
OF_ALBUMS = ("album_add", "album_rename", "album_remove", "album_put",
             "album_take")


class Library(harness.Case):
    assets = ASSETS
    sim_options = ("--sizes", "tiny")

    def begin(self, seed, **shared):
        self.sim.close()
        self.sim = harness.Sim(*self.sim_options, assets=ASSETS, seed=seed)
        self.addCleanup(self.sim.close)
        self.copy.close()
        self.copy = harness.Copy(self.sim)
        self.addCleanup(self.copy.close)
        self.sim.change("shared_library", **shared)
        self.sim.change("link_share")
        self.signed_in()
        self.held = {}

    def listed(self, what):
        result = self.copy.run(
            "list", what, "--root", self.copy.root, "--json")
        self.status_is(result, 0)
        return result.events()

    def agree(self):
        """Truth, disk, sums, manifest, list and status say the same."""
        copy, truth = self.copy, self.sim.truth()
        held, _ = harness.compare(self, copy, truth)
        paths = set(copy.files())
        self.assertEqual(harness.check_sums(self, copy), paths)
        digests = {name: digest for (digest, _), names in held.items()
                   for name in names}
        # What was held is, under the same name and with the same bytes.
        for path, digest in self.held.items():
            self.assertEqual(digests.get(path), digest, path)
        self.held = digests
        lines = {path: line for path, (_, line) in manifest(copy).items()}
        self.assertEqual(set(lines), paths)
        self.assertEqual({p: line["sha256"] for p, line in lines.items()},
                         digests)
        # Each asset of the truth stands at each of its files.
        at = {}
        for line in lines.values():
            for asset in line["assets"]:
                at.setdefault((asset["zone"], asset["record"]),
                              set()).add(line["sha256"])
        wanted = {}
        for t in truth:
            key = (t["zone"], t["asset"])
            wanted.setdefault(key, set()).add(t["sha256"])
            self.assertIn(t["sha256"], at.get(key, ()), t)
        listed = {(a["zone"], a["record"]): a for a in self.listed("assets")
                  if not a["gone"]}
        self.assertEqual(set(listed), set(wanted))
        for t in truth:
            a = listed[(t["zone"], t["asset"])]
            self.assertEqual(a["trashed"], t["state"] == "trashed")
            if not a["trashed"]: # what is there may be hidden as well
                self.assertEqual(a["hidden"], t["state"] == "hidden")
            file = [f for f in a["files"] if f["role"] == t["role"]][0]
            self.assertEqual(file["state"], "proven")
            self.assertEqual(digests[file["path"]], t["sha256"])
        # Pairs keep one stem.
        for a in listed.values():
            stems = {f["path"].rsplit(".", 1)[0] for f in a["files"]
                     if f["role"] in ("original", "live", "alternative")}
            self.assertEqual(len(stems), 1, a)
        self.assertEqual(
            sum(e["listed"] for e in copy.status("--json").events()
                if e["event"] == "compared"), len(wanted))

    def agree_albums(self):
        """Each folder of Albums has what is in that album; two of one name are
        taken together, since which got a suffix is no matter here."""
        wanted, shown = {}, {}
        for a in self.listed("assets"):
            files = {f["path"] for f in a["files"]}
            if not a["gone"] and not a["trashed"]:
                for album in a["albums"]:
                    wanted.setdefault(unicodedata.normalize("NFC", album),
                                      set()).update(files)
        top = os.path.join(self.copy.root, "Albums")
        for folder, _, files in os.walk(top):
            title = "/".join(
                re.sub("-[a-z2-7]{8}(-[0-9]+)?$", "", part)
                .replace("a_b", "a/b").replace("_CON", "CON")
                for part in os.path.relpath(folder, top).split("/"))
            for name in files:
                path = os.path.join(folder, name)
                shown.setdefault(title, set()).add(os.path.relpath(
                    os.path.normpath(os.path.join(
                        folder, os.readlink(path))), self.copy.root))
        self.assertEqual(shown, wanted)

    def run_and_agree(self, *words):
        self.sim.reset_counters()
        result = self.copy.sync("--json", "--albums", "links", *words)
        # Only a mass of deletions may say something; it cannot, so few are.
        self.status_is(result, 0)
        counters = self.sim.counters()
        self.assertEqual(counters["violations"], [])
        self.assertEqual(counters["by"].get("records_modify", 0), 0)
        # Nothing is fetched twice.
        self.assertEqual(
            counters["by"]["content"],
            sum(e["event"] == "file" and e["size"] > 0
                for e in result.events()))
        self.agree()
        self.agree_albums()

    def idle(self):
        before = self.copy.snapshot()
        self.sim.reset_counters()
        self.status_is(self.copy.sync("--albums", "links"), 0)
        self.assertEqual(self.sim.counters()["requests"], 3)
        self.assertEqual(self.copy.snapshot(), before)

    def change(self, draw):
        """One that fits; returns what it was."""
        while True:
            op = draw.choice([*OF_ASSETS, *OF_ALBUMS, "add", "add"])
            values = self.values(op, draw)
            if values is None:
                continue
            try:
                self.sim.change(op, **values)
            except AssertionError as refused:
                if "control /change: 400" in str(refused):
                    continue # there is nothing of that kind
                raise
            return op, values

    def values(self, op, draw):
        if op == "add":
            return {"count": draw.randint(1, 4)}
        if op in OF_ASSETS:
            zone = {"zone": "shared"} if draw.random() < 0.2 and \
                op != "move_to_shared" else {}
            return {"count": draw.randint(1, OF_ASSETS[op]), **zone}
        albums = [a for a in self.listed("albums")
                  if a["title"] and a["zone"] == "PrimarySync"]
        names = [a["record"] for a in albums if a["kind"] == "album"]
        folders = [a["record"] for a in albums if a["kind"] == "folder"]
        name = draw.choice(["2024", "Norway", "Jo\u0308rg", "a/b", "CON",
                            "\U0001f600", "%06d" % draw.randrange(10 ** 6)])
        if op == "album_add":
            parent = draw.choice([None, *folders])
            return {"name": name, "folder": draw.random() < 0.3,
                    **({"parent": parent} if parent else {})}
        if not names:
            return None
        album = {"album": draw.choice(names)}
        if op == "album_rename":
            return {**album, "name": name}
        if op == "album_remove":
            return album if draw.random() < 0.3 else None
        return {**album, "count": draw.randint(1, 5)}

    def one_library(self, seed):
        draw = random.Random(seed)
        self.begin(seed, **dict(
            SHARED, **{"as": "owner" if seed % 2 else "guest"}))
        self.run_and_agree()
        left = CHANGES
        done = []
        while left > 0:
            for _ in range(min(left, draw.choice((1, 1, 2, 3, 5)))):
                done.append(self.change(draw))
                left -= 1
            with self.subTest(after=done[-5:]):
                self.run_and_agree(*(
                    ["--prove"] if draw.random() < 0.15 else []))
        self.idle()
        self.run_and_agree("--prove")
        self.assertTrue(all(
            e["agrees"] for e in self.copy.status("--json").events()
            if e["event"] == "compared"), self.copy.status("--gaps"))

    def test_thirty_changes(self):
        for seed in range(FIRST, FIRST + SEEDS):
            print("library: %d assets, LIBRARY_SEED=%d" % (ASSETS, seed),
                  flush=True)
            with self.subTest(seed=seed):
                self.one_library(seed)


if __name__ == "__main__":
    harness.main()
