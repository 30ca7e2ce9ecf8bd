"""These are whole programs, which tests/test_programs.py runs: nothing to collect here."""

collect_ignore_glob = ["*.py"]
