"""The page that restores in a browser: its files, the runtime they need, building and serving."""
