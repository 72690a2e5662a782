"""Everything that speaks SQL. Nothing outside this package does."""
