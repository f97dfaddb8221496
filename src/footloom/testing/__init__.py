"""Contract suites and checks that outside packages run too."""
