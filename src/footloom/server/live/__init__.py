"""What moves: streams and topics that start with their first reader, and the one hub between them."""
