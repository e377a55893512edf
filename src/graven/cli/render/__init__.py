"""How answers look: for a person at a terminal, and under a pipe."""
