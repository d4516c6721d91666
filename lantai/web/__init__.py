"""Pages for people: server-rendered, complete without scripts, Chinese first and English complete."""
