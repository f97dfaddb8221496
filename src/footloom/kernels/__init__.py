"""The folds: arrays in, arrays out, compiled; beside them `reference`, the same in plain Python."""
