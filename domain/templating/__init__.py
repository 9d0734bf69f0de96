"""Templates with placeholders, conditions, and the lexer and validation that both share."""
