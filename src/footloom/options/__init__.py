"""Options: what they are worth, and where open interest stands (definitions 7). Pure: no I/O, no clock."""
