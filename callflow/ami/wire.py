"""The manager protocol's bytes: messages of `Key: value` lines, ended by an empty line. Pure.

Bytes become text in whole lines, so that a character split over two reads stays whole, and without NUL, which no text
column takes. What no message should
be (a line or a message beyond all measure) is dropped and counted; the next message is read as if nothing had been.
"""

from collections.abc import Iterator

from core.errors import Invalid

MAX_LINE = 64 * 1024
MAX_LINES = 512
BANNER = "Asterisk Call Manager/"

Message = dict[str, str]
"""One message; of a repeated key the last value counts. A line without colon is left out."""


class Reader:
    """Turns the bytes of one connection into its banner and its messages."""

    def __init__(self) -> None:
        self.banner: str | None = None
        self.dropped = 0
        self._bytes = bytearray()
        self._lines: list[str] = []
        self._skipping_line = False
        self._skipping_message = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes."""
        self._bytes += data
        whole = self._bytes.rfind(b"\n") + 1
        *lines, _ = self._bytes[:whole].decode("utf-8", "replace").replace("\0", "").split("\n")
        del self._bytes[:whole]
        for line in lines:
            if self._skipping_line:
                self._skipping_line = False  # the end of a line that was too long
            elif message := self._line(line.rstrip("\r")):
                yield message
        if len(self._bytes) > MAX_LINE:
            self._bytes.clear()
            self._skipping_line = self._skipping_message = True

    def _line(self, line: str) -> Message | None:
        if self.banner is None:
            self.banner = line
            return None
        if line:
            if len(line) > MAX_LINE or len(self._lines) >= MAX_LINES:
                self._skipping_message = True
            else:
                self._lines.append(line)
            return None
        lines, self._lines = self._lines, []
        if self._skipping_message:
            self._skipping_message = False
            self.dropped += 1
            return None
        return parse(lines) or None


def parse(lines: list[str]) -> Message:
    """The message that these lines are."""
    message: Message = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and key:
            message[key.strip()] = value.strip()
    return message


def encode(action: str, action_id: str, headers: dict[str, str]) -> bytes:
    """An action as bytes. Raises Invalid("bad-ami-value") where a value could inject a second action."""
    pairs = [("Action", action), ("ActionID", action_id), *headers.items()]
    for key, value in pairs:
        if any(c in key + value for c in "\r\n\0") or ":" in key or not key:
            raise Invalid("bad-ami-value", "发往电话系统的内容含有不允许的字符，未发送。", fields={"key": key[:40]})
    if action.lower() == "originate" and headers.get("Async", "").lower() not in ("true", "yes", "1"):
        raise Invalid("originate-not-async", "同步呼叫会阻塞整个管理连接，未发送。")
    data = "".join(f"{key}: {value}\r\n" for key, value in pairs) + "\r\n"
    if len(data) > MAX_LINE:
        raise Invalid("bad-ami-value", "发往电话系统的内容过长，未发送。")
    return data.encode()
