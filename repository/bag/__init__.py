"""BagIt bags (RFC 8493): planning, packing, reading, verifying."""
