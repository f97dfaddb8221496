from __future__ import annotations

collect_ignore = ["fuzz_parse.py"]  # a program, run by its test in a process of its own
