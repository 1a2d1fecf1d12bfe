"""Reads a multipart/form-data body as it arrives: a few short fields, then one file.

`server.files` feeds it. As S3 does, it takes the part named `file` for the file, heeds the fields
before it only, and keeps them within 20 KB. Holds no more of the file than it was just fed.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html; RFC 7578
"""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from poutama.store.signed_urls import RefusedError, S3Error

MAX_FIELD_BYTES = 20_000
FILE = "file"


class FormReader:
    """One form.

    Attributes:
        fields: name -> value, of the fields that came before the file; complete once `has_file`.
        has_file: whether the file has begun.
        ended: whether the form is complete.
    """

    def __init__(self, content_type: str) -> None:
        """Begin to read one.

        Raises:
            RefusedError: it is none.
        """
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise _malformed()
        self.fields: dict[str, str] = {}
        self.has_file = self.ended = False
        self._pieces: list[bytes] = []
        self._begin_part()
        self._header = (b"", b"")
        self._held = 0
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, data: bytes) -> list[bytes]:
        """Read on; returns what of it is the file's content.

        Raises:
            RefusedError: this is not a form, or its fields are too long.
        """
        self._pieces = []
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed() from error
        return self._pieces

    def _begin_part(self) -> None:
        self._name: str | None = None
        self._is_file = False
        self._value = b""

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name + self._hold(data[start:end]), value)

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        name, value = self._header
        self._header = (name, value + self._hold(data[start:end]))

    def _end_header(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() == b"content-disposition":
            # Browsers write names in UTF-8, whatever the header's charset is said to be.
            _, options = parse_options_header(value.decode("latin-1"))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")

    def _end_headers(self) -> None:
        if self._name is None:
            raise _malformed()
        self._is_file = self._name.lower() == FILE and not self.has_file
        self.has_file = self.has_file or self._is_file

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])
        elif not self.has_file:
            self._value += self._hold(data[start:end])

    def _end_part(self) -> None:
        if not self.has_file and self._name is not None:
            try:
                self.fields[self._name] = self._value.decode()
            except UnicodeDecodeError as error:
                raise _malformed() from error

    def _end(self) -> None:
        self.ended = True

    def _hold(self, data: bytes) -> bytes:
        self._held += len(data)
        if self._held > MAX_FIELD_BYTES:
            raise RefusedError(
                S3Error.FIELDS_TOO_LARGE,
                "Your POST request fields preceding the upload file were too large.",
            )
        return data


def _malformed() -> RefusedError:
    return RefusedError(
        S3Error.MALFORMED, "The body of your POST request is not well-formed multipart/form-data."
    )
