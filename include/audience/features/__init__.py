"""What is known of each person as of a day; nothing at or after its end is seen."""
