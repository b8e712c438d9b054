"""What every process agrees on, and the doors they share."""
