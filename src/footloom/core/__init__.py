"""The words of the field: instruments, tapes, bars, sessions; integers, no I/O, no clock."""
