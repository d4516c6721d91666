"""Make the buckets of the replicas, versioned, as each store's administrator; harmless to repeat.

Arguments: ENDPOINT=BUCKET, one for each replica. The file named by S3_ADMINS_FILE holds {BUCKET: {"access_key": …,
"secret_key": …}}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError


def make(endpoint: str, bucket: str, who: dict[str, str]) -> None:
    """One bucket that keeps versions."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=who["access_key"],
        aws_secret_access_key=who["secret_key"],
    )
    try:
        client.create_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
            raise
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def main() -> None:
    """Make them all."""
    admins = json.loads(Path(os.environ["S3_ADMINS_FILE"]).read_text(encoding="utf-8"))
    for one in sys.argv[1:]:
        endpoint, _, bucket = one.rpartition("=")
        make(endpoint, bucket, admins[bucket])
        print(f"{bucket}: ready")


if __name__ == "__main__":
    main()
