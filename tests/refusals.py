"""One clear error for what a function does not take: the argument, what came, and a fix."""

import pytest

from course_utils.errors import ArgumentError


def refused(call, *parts, error=ArgumentError):
    """The message of the one clear error that `call` must raise; it says all of `parts`."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is error and len(message.splitlines()) <= 3
    assert [part for part in parts if part not in message] == [], message
    return message
