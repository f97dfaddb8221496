"""One client of the WebSocket: its connection, its mailbox, its session, and what it may ask for."""
