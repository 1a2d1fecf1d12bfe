"""Objects in an S3 bucket.

Forms and addresses are signed by `store.sigv4`; everything that is sent goes through botocore,
which is loaded when it is first needed, in threads. No error says a secret.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from poutama.errors import NotFoundError
from poutama.settings import Settings
from poutama.store.atomic_file import WholeFile
from poutama.store.aws import (
    AddressingStyle,
    AwsClient,
    RangeBeyondError,
    read_region,
    refusal,
    translate_errors,
)
from poutama.store.object_keys import check_key, content_disposition
from poutama.store.objects import PERSON, ObjectInfo, UploadForm
from poutama.store.sigv4 import Signer

PART = 16 << 20
"""Bytes of a part; what is larger is put in parts, each of which can be tried again."""
MAX_PARTS = 10_000
MAX_DELETED = 1_000
CHUNK = 1 << 20

_PART_WORDS = ("ETag", "ChecksumCRC32")


class S3Store:
    """An `ObjectStore`; see `store.objects` for what each method promises."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Name a bucket; nothing is asked of it yet.

        Args:
            settings: `store_bucket`, `aws_region`, `aws_endpoint`.
            environment: where functions find their credentials and region. Without credentials in
                it, the SDK looks where it always does.
            clock: seconds since 1970.

        Raises:
            ConfigurationError: there is no region.
        """
        self._bucket = settings.store_bucket
        self._region = read_region(settings, environment)
        self._clock = clock
        endpoint = settings.aws_endpoint.rstrip("/")
        self._url, style = _address_bucket(self._bucket, self._region, endpoint)
        self._aws = AwsClient(environment, region=self._region, endpoint=endpoint, style=style)

    def sign_upload(
        self, key: str, *, media_type: str, size: int, sha256: str, seconds: int
    ) -> UploadForm:
        fields = {
            "key": check_key(key),
            "Content-Type": media_type,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": b64encode(bytes.fromhex(sha256)).decode(),
        }
        conditions = [{"bucket": self._bucket}, ["content-length-range", size, size]]
        signed = self._signer().sign_form(fields, conditions, now=self._now(), seconds=seconds)
        return UploadForm(f"{self._url}/", signed)

    def sign_download(
        self,
        key: str,
        *,
        person: UUID,
        name: str,
        media_type: str,
        seconds: int,
        inline: bool = False,
    ) -> str:
        parameters = {
            PERSON: str(person),
            "response-content-disposition": content_disposition(name, inline=inline),
            "response-content-type": media_type,
        }
        return self._signer().sign_address(
            f"{self._url}/{check_key(key)}", parameters, now=self._now(), seconds=seconds
        )

    async def describe(self, key: str) -> ObjectInfo | None:
        try:
            found = await self._call("head_object", Key=check_key(key))
        except NotFoundError:
            return None
        return ObjectInfo(key, found["ContentLength"], found["ContentType"], found["LastModified"])

    async def read(self, key: str, *, start: int = 0, length: int) -> bytes:
        check_key(key)
        # A range has one byte at least.
        wanted = f"bytes={start}-{start + max(length, 1) - 1}"

        def read() -> bytes:
            with translate_errors("get_object"):
                found = self._aws.open().get_object(Bucket=self._bucket, Key=key, Range=wanted)
                with closing(found["Body"]) as body:
                    return bytes(body.read())[:length]

        try:
            return await asyncio.to_thread(read)
        except RangeBeyondError:
            return b""

    async def download(self, key: str, path: Path) -> None:
        check_key(key)

        def download() -> None:
            with translate_errors("get_object"), WholeFile(path) as target:
                found = self._aws.open().get_object(Bucket=self._bucket, Key=key)
                with closing(found["Body"]) as body:
                    for chunk in body.iter_chunks(CHUNK):
                        target.write(chunk)

        await asyncio.to_thread(download)

    async def put(self, key: str, content: bytes | Path, *, media_type: str) -> None:
        check_key(key)
        if isinstance(content, bytes):
            await self._call("put_object", Key=key, Body=content, ContentType=media_type)
        else:
            await asyncio.to_thread(self._put_file, key, content, media_type)

    async def delete(self, keys: Iterable[str]) -> None:
        rest = iter([check_key(key) for key in keys])
        while some := [{"Key": key} for key in islice(rest, MAX_DELETED)]:
            for each in await self._delete(some):
                # A bucket with versioning marks the object as deleted and keeps what it was.
                if each.get("DeleteMarker"):
                    await self._delete_versions(each["Key"])

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=prefix, **more)
            for each in page.get("Contents", ()):
                yield ObjectInfo(each["Key"], each["Size"], "", each["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def close(self) -> None:
        await asyncio.to_thread(self._aws.close)

    async def _delete(self, objects: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, Any]]:
        answer = await self._call("delete_objects", Delete={"Objects": objects})
        for error in answer.get("Errors", ()):
            raise refusal("delete_objects", error.get("Code", ""), 200)
        deleted: Sequence[Mapping[str, Any]] = answer.get("Deleted", ())
        return deleted

    async def _delete_versions(self, key: str) -> None:
        """Delete every version of an object, and what marks it as deleted."""
        while True:
            page = await self._call("list_object_versions", Prefix=key, MaxKeys=MAX_DELETED)
            versions = [
                {"Key": key, "VersionId": each["VersionId"]}
                for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                if each["Key"] == key
            ]
            # Keys come in order: this one's versions are before those of longer keys.
            if not versions:
                return
            await self._delete(versions)

    def _put_file(self, key: str, path: Path, media_type: str) -> None:
        with path.open("rb") as file, translate_errors("put_object"):
            size = path.stat().st_size
            if size > PART:
                self._put_parts(key, file, size, media_type)
            else:
                self._aws.open().put_object(
                    Bucket=self._bucket, Key=key, Body=file.read(), ContentType=media_type
                )

    def _put_parts(self, key: str, file: Any, size: int, media_type: str) -> None:
        client, where = self._aws.open(), {"Bucket": self._bucket, "Key": key}
        begun = client.create_multipart_upload(
            **where, ContentType=media_type, ChecksumAlgorithm="CRC32"
        )
        where["UploadId"] = begun["UploadId"]
        length = max(PART, -(-size // MAX_PARTS))
        parts: list[dict[str, object]] = []
        try:
            while body := file.read(length):
                number = len(parts) + 1
                sent = client.upload_part(
                    **where, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32"
                )
                checksums = {name: sent[name] for name in _PART_WORDS if name in sent}
                parts.append({**checksums, "PartNumber": number})
            client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        except BaseException:
            # What this cannot reach, the bucket's lifecycle sweeps: docs/files.md.
            with suppress(Exception):
                client.abort_multipart_upload(**where)
            raise

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            with translate_errors(operation):
                method = getattr(self._aws.open(), operation)
                answer: dict[str, Any] = method(Bucket=self._bucket, **parameters)
                return answer

        return await asyncio.to_thread(call)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _signer(self) -> Signer:
        return Signer(self._aws.credentials(), self._region)


def _address_bucket(bucket: str, region: str, endpoint: str) -> tuple[str, AddressingStyle]:
    """The bucket's address, and its style: virtual-hosted in AWS, as AWS wants it."""
    if endpoint:
        return f"{endpoint}/{bucket}", "path"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if "." in bucket:  # no certificate covers it as a host
        return f"https://s3.{region}.{domain}/{bucket}", "path"
    return f"https://{bucket}.s3.{region}.{domain}", "virtual"
