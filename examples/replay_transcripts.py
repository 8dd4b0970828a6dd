"""Replays every transcript in the tests, and shows where calls differ from their transcripts."""

import sys
from pathlib import Path

from paperless_ivr.transcripts import differences, read

folder = Path(__file__).resolve().parent.parent / "tests" / "transcripts"
differ = 0
for file in sorted(folder.glob("*.call")):
    if told := differences(read(file)):
        differ += 1
        print(told)
print(f"{differ} differ" if differ else "all as written")
sys.exit(1 if differ else 0)
