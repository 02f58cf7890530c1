"""Room 5: tokens and money of the student against its teachers."""
