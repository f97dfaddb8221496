"""Rich display for notebooks."""
