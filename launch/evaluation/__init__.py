"""How well networks restore: protocol, figures, tables. Nothing is drawn here."""
