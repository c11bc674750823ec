"""What Schemathesis finds in the API: every role, a service that sees a part, and nobody, each operation many times.

python bench/api.py [--examples 40] [--seed 1] [--json]

The console is the real one over a simulated night of two services (tests/support/two_services.py). An answer is wrong
when it is a server error, grants what the table of roles refuses or the other way round, or refuses in another shape.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from api_guesses import PERSONS, ask_all
from two_services import Centre

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=40, help="right ones and wrong ones of each operation, each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    logging.disable(logging.INFO)
    total, found = Counter(), {}
    with tempfile.TemporaryDirectory() as folder, Centre(ROOT, Path(folder)) as centre:
        for person in PERSONS:
            begun_s = time.process_time()
            statuses, wrong = ask_all(centre, person, given.examples, given.seed)
            total.update(statuses)
            found |= wrong
            row = {"role": person[0], "service": person[1], "requests": sum(statuses.values()), "wrong": len(wrong),
                   "cpu_s": round(time.process_time() - begun_s, 1)}  # fmt: skip
            print(json.dumps(row) if given.json else row, flush=True)
    errors = sum(count for status, count in total.items() if status >= 500)
    last = {"requests": sum(total.values()), "server_errors": errors, "wrong": len(found),
            "by_status": dict(sorted(total.items()))}  # fmt: skip
    print(json.dumps(last) if given.json else last)
    for what, said in found.items():
        print(what, said)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
