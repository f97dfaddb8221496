"""Where rows come from, live and stored alike: async iterators of what an engine folds."""

__all__: tuple[str, ...] = ()
