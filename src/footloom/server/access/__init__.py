"""Who gets in and how much of the server each may take."""
