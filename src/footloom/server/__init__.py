"""The server: charts, programs and pages read bars and footprints from one process, live and stored."""

__all__: tuple[str, ...] = ()
