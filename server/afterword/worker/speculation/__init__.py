"""Draft tokens: guesses at what comes next, computed in rows that cost little."""
