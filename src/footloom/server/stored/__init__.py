"""What is read from the store: charts, candles, books, studies. Blocking: called in threads."""
