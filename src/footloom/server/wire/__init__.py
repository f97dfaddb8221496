"""What goes over `/ws/v1`: one table of the binary frames, their codec, and the text messages."""
