"""Messages to bars to studies to events: the only place that holds live state."""
