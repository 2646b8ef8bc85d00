"""Inputs for a fuzz target out of recorded answers.

    seeds.py RECORDED TARGET FOLDER

Recorded answers are not part of the project, and what is made of them here
stays in the build folder.  Nothing is made for a target that takes none.
"""

import hashlib
import json
import os
import sys

MOST_BYTES = 16384  # a fuzz target takes no longer inputs


def exchanges(value):
    """Every recorded answer in it: status, headers, body."""
    if isinstance(value, dict):
        answer = value.get("response")
        if isinstance(answer, dict) and "status" in answer:
            yield answer
        for inner in value.values():
            yield from exchanges(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from exchanges(inner)


def records(value):
    if isinstance(value, dict):
        if isinstance(value.get("recordName"), str) and "fields" in value:
            yield value
        for inner in value.values():
            yield from records(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from records(inner)


def text_of(body):
    if body is None:
        return ""
    return body if isinstance(body, str) else json.dumps(body)


def as_answer(answer):
    """An answer as the targets read it."""
    lines = ["%d" % answer["status"]]
    for name, value in (answer.get("headers") or {}).items():
        for one in value if isinstance(value, list) else [value]:
            lines.append("%s: %s" % (name, one))
    return "\n".join(lines) + "\n\n" + text_of(answer.get("body"))


def seeds(target, value):
    answers = list(exchanges(value))
    if target == "base_json":
        yield from (text_of(answer.get("body")) for answer in answers)
    elif target == "api_record":
        yield from map(json.dumps, records(value))
    elif target == "api_listing":
        for answer in answers:
            for what in ("query", "counts", "indexing", "zones"):
                yield what + "\n" + as_answer(answer)
    elif target == "auth_sign_in":
        text = "\n----\n".join(map(as_answer, answers))
        for steps in ("r", "s", "sdc", "rl"):
            yield steps + "\n" + text


def main(recorded, target, folder):
    for where, _, names in os.walk(recorded):
        for name in names:
            if not name.endswith(".json"):
                continue
            with open(os.path.join(where, name), encoding="utf-8") as file:
                value = json.load(file)
            for seed in seeds(target, value):
                seed = seed.encode("utf-8", "surrogatepass")
                if len(seed) > MOST_BYTES:
                    continue
                path = hashlib.sha256(seed).hexdigest()[:16]
                with open(os.path.join(folder, path), "wb") as file:
                    file.write(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
