"""What footloom promises about speed and size, measured: one file a promise, a ratio against a named peer."""
