"""The command line: one file a verb, imported when it is used."""

__all__: tuple[str, ...] = ()
