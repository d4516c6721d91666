"""The API under ``/api/v1``: what the pages do, for programs. Problem details (RFC 9457), paging by key."""
