"""The error tree: what can go wrong, what a client reads about it, and with which status.

Every error the project raises on purpose is a `PoutamaError`. Each class fixes its `code` (the
value of `errors[].extensions.code`), its HTTP `status` and whether its message is `safe` to show
to a client; its docstring is its default message. Anything else that escapes is unexpected: the
edge masks it and logs it under an id. `docs/errors.md` lists the codes and a test holds the list.
"""

from __future__ import annotations

from typing import ClassVar, Self


class PoutamaError(Exception):
    """Something went wrong on our side."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    safe: ClassVar[bool] = False

    def __init__(self, message: str | None = None, **extensions: object) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))
        self.extensions = extensions

    @property
    def message(self) -> str:
        return str(self.args[0])


class ConfigurationError(PoutamaError):
    """A setting is missing or has a value that cannot be used."""

    code = "CONFIGURATION"


class SchemaError(PoutamaError):
    """The schema files do not describe a model that can be served."""

    code = "SCHEMA"


class BadRequestError(PoutamaError):
    """The request is not a GraphQL request."""

    code = "BAD_REQUEST"
    status = 400
    safe = True


class PayloadTooLargeError(BadRequestError):
    """The request body is too large."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class HeadTooLargeError(BadRequestError):
    """The request's line and headers are too large: expected at most 64 KiB and 200 headers."""

    code = "HEAD_TOO_LARGE"
    status = 431


class UnsupportedMediaTypeError(BadRequestError):
    """The request's content type is not one this server reads."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class NotAcceptableError(BadRequestError):
    """None of the media types the client accepts can be served."""

    code = "NOT_ACCEPTABLE"
    status = 406


class MethodNotAllowedError(BadRequestError):
    """This method is not allowed here."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class UnauthenticatedError(PoutamaError):
    """Sign in first: the request carries no valid bearer token."""

    code = "UNAUTHENTICATED"
    status = 401
    safe = True


class ForbiddenError(PoutamaError):
    """The signed-in person may not do this."""

    code = "FORBIDDEN"
    status = 403
    safe = True


class ParseFailedError(PoutamaError):
    """The document is not GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"
    status = 400
    safe = True


class ValidationFailedError(PoutamaError):
    """The document does not fit the schema."""

    code = "GRAPHQL_VALIDATION_FAILED"
    status = 400
    safe = True


class OperationNotFoundError(PoutamaError):
    """The document has no operation of that name."""

    code = "OPERATION_NOT_FOUND"
    status = 400
    safe = True


class LimitExceededError(PoutamaError):
    """The operation asks for more than one request may."""

    code = "LIMIT_EXCEEDED"
    status = 400
    safe = True


class RateLimitedError(PoutamaError):
    """The budget is used up; try again later."""

    code = "RATE_LIMITED"
    status = 429
    safe = True


class PersistedQueryNotFoundError(PoutamaError):
    """Document not found; send its full text as `query`."""

    code = "PERSISTED_QUERY_NOT_FOUND"
    status = 400
    safe = True


class PersistedQueryNotSupportedError(PoutamaError):
    """A document's hash was sent alone, and there are no documents to choose from."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"
    status = 400
    safe = True


class DocumentNotTrustedError(PoutamaError):
    """Only documents that were published with this server are served here."""

    code = "DOCUMENT_NOT_TRUSTED"
    status = 403
    safe = True


class DocumentExpiredError(PoutamaError):
    """This operation is of a release of the app that is no longer served: update the app."""

    code = "DOCUMENT_EXPIRED"
    status = 410
    safe = True


class BadUserInputError(PoutamaError):
    """An argument or variable has a value that cannot be used."""

    code = "BAD_USER_INPUT"
    status = 400
    safe = True
    others: tuple[BadUserInputError, ...] = ()
    """What else is wrong in the same request."""

    @classmethod
    def at(cls, field: str, expected: str) -> Self:
        """The error for a field, such as `input.email`, that has something else than expected."""
        return cls(f"{field}: expected {expected}.", field=field)


class NotFoundError(PoutamaError):
    """Not found, or you may not see it."""

    code = "NOT_FOUND"
    status = 404
    safe = True

    @classmethod
    def of(cls, type_: str) -> Self:
        """The error for a row that is missing or not the caller's to change: one for both."""
        return cls(f"{type_} not found, or you may not change it.")


class ConflictError(PoutamaError):
    """The row has changed since you read it; read it again, and send its new version."""

    code = "CONFLICT"
    status = 409
    safe = True


class IdempotencyKeyReusedError(PoutamaError):
    """This idempotency key was used for another request before; take a new one."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    safe = True


class QuotaExceededError(PoutamaError):
    """The limit of these is reached; delete some first."""

    code = "QUOTA_EXCEEDED"
    status = 422
    safe = True


class ResponseTooLargeError(PoutamaError):
    """The response is larger than allowed. If this was a mutation, it has happened."""

    code = "RESPONSE_TOO_LARGE"
    status = 422
    safe = True


class UnavailableError(PoutamaError):
    """The database cannot be reached just now; try again."""

    code = "UNAVAILABLE"
    status = 503
    safe = True


class DeadlineExceededError(PoutamaError):
    """The request could not be finished in the time it had; nothing was written."""

    code = "DEADLINE_EXCEEDED"
    status = 504
    safe = True


class DatabaseError(PoutamaError):
    """The database refused the statement; nothing of it happened."""

    def __init__(self, *, sqlstate: str | None = None, constraint: str | None = None) -> None:
        named = [f"SQLSTATE {sqlstate}"] * bool(sqlstate)
        named += [f"constraint {constraint}"] * bool(constraint)
        super().__init__(f"The database refused the statement ({', '.join(named) or 'unsent'}).")
        self.sqlstate = sqlstate
        self.constraint = constraint


class TransactionMisuseError(PoutamaError):
    """A transaction was used outside its closure, twice at once, or inside another."""


class AmbiguousCommit(PoutamaError):  # noqa: N818  an outcome, not a fault
    """The connection was lost while the change was being committed: it may or may not have
    happened.
    """

    code = "AMBIGUOUS_COMMIT"
    status = 503
    safe = True
