"""The rooms of the interface, one module each; ``lantai.web.rooms`` puts them together."""
