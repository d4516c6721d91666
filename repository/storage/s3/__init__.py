"""Object storage over S3 behind the storage port: ``store.S3Store``, described by ``options.S3Options``.

obstore carries small objects and everything that is read; boto3 carries larger bodies, whose digest it takes as given,
uploads in parts, buckets, versions and locks.
Once one of them was used, a process must not fork (``multiprocessing`` with ``spawn`` only): every later call in the
child would hang.
"""
