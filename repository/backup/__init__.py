"""Backups of what the stores do not keep: the catalogue's rows, the keys, the settings.

A backup is one BagIt bag in one object, as a record version is: ``data/tables/…`` holds every table as compressed
JSON lines that either database can take up again, ``metadata/backup.json`` says what it is, ``metadata/secrets.json``
holds keys and settings sealed with a passphrase. Content is not in it: that is what the replicas are for.
"""
