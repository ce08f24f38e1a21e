"""What a command can look like."""
