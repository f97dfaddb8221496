"""Charts, frames and files for people: what a notebook shows, reads and writes."""
