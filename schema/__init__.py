"""What every process agrees on, and the doors to the outside that they share."""
