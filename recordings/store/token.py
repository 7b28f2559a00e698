"""One token of a PKCS#11 device: opened when it is first asked, and opened again when it was away.

Sessions of PKCS#11 serve one thread, and a driver may answer after a minute or never. Whatever is asked of one driver
is therefore asked in one thread of its own, for which nothing else of the process waits longer than `ANSWER_S`.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

import pkcs11
from pkcs11 import exceptions as of
from pkcs11.exceptions import PKCS11Error
from pkcs11.types import Session

from core.errors import Unavailable
from core.log import get
from core.secrets import Secrets
from recordings.settings import Pkcs11Settings

log = get(__name__)
T = TypeVar("T")
ANSWER_S = 10.0
"""A device that takes longer is away."""
RETRY_S = 5.0
"""A device that was away is not asked again sooner."""
_SAID: dict[type[PKCS11Error], tuple[str, str]] = {
    of.PinIncorrect: ("key-device-pin", "的 PIN 不正确"),
    of.PinInvalid: ("key-device-pin", "的 PIN 不正确"),
    of.PinLenRange: ("key-device-pin", "的 PIN 不正确"),
    of.PinLocked: ("key-device-pin", "的 PIN 已被锁定，请由设备管理员解锁"),
    of.PinExpired: ("key-device-pin", "的 PIN 已过期，请由设备管理员重新设置"),
    of.UserPinNotInitialized: ("key-device-pin", "的 PIN 尚未设置，请由设备管理员设置"),
    of.MultipleTokensReturned: ("key-device-away", "有几个同名的令牌，请由设备管理员改名"),
    of.MechanismInvalid: ("key-device-unsuited", "不支持所需的算法 AES-256-GCM"),
    of.MechanismParamInvalid: ("key-device-unsuited", "不接受 AES-256-GCM 的参数"),
    of.FunctionNotSupported: ("key-device-unsuited", "不支持所需的操作"),
    of.NoSuchToken: ("key-device-away", "找不到：设备没有连接，或令牌名称不对"),
    of.TokenNotPresent: ("key-device-away", "找不到：设备没有连接，或令牌名称不对"),
    of.TokenNotRecognised: ("key-device-away", "找不到：设备没有连接，或令牌名称不对"),
}
"""What a device's answer means; any other: it does not answer."""
_PIN_REFUSED = (of.PinIncorrect, of.PinInvalid, of.PinLenRange)


class Token:
    """The token of this label behind this driver. Needs no closing: a driver ends its sessions with the process."""

    def __init__(self, settings: Pkcs11Settings, secrets: Secrets) -> None:
        self.label = settings.token
        self._settings, self._secrets = settings, secrets
        self._session: Session | None = None
        self._of: tuple[_Driver, int] | None = None
        self._refused_pin: str | None = None
        self._trouble: tuple[float, Unavailable] | None = None

    async def ask(self, work: Callable[[Session], T]) -> T:
        """What `work` brings back from a session that is logged in; it runs in the driver's thread, and again on
        a new session where the old one was lost. Raises `Unavailable`, and what `work` raises beside `PKCS11Error`."""
        driver = _driver(str(self._settings.module))
        if driver.stuck():
            raise self._silent()
        future = driver.submit(lambda: self._carried_out(driver, work))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise self._silent() from error

    def still_there(self) -> None:
        """For work that found nothing: raises `PKCS11Error` where the token itself is gone, whose session may go on
        answering as if it held nothing."""
        _driver(str(self._settings.module)).token(self.label)

    def _silent(self) -> Unavailable:
        return Unavailable("key-device-away", f"密码设备“{self.label}”在 {ANSWER_S:.0f} 秒内没有应答。")

    def _carried_out(self, driver: "_Driver", work: Callable[[Session], T]) -> T:
        """With the session at hand, else with a new one, else with a driver started anew: in this order, because the
        library lets nothing else of the process run while a driver ends."""
        lost = PKCS11Error()
        for anew in (False, False, True):
            try:
                return work(self._opened(driver, anew=anew))
            except PKCS11Error as error:
                log.info("key-device.lost", token=self.label, why=type(error).__name__)
                self._session, lost = None, error
        raise self._told(lost) from lost

    def _opened(self, driver: "_Driver", *, anew: bool) -> Session:
        """The session, or a new one. Raises `Unavailable`."""
        if self._session is not None and self._of == (driver, driver.starts):
            return self._session
        if self._trouble and time.monotonic() - self._trouble[0] < RETRY_S:
            raise self._trouble[1]
        pin = self._pin()
        try:
            self._session = self._open(driver, pin, anew=anew)
        except PKCS11Error as error:
            if isinstance(error, _PIN_REFUSED):
                self._refused_pin = pin
            told = self._told(error)
            self._trouble = (time.monotonic(), told)
            raise told from error
        self._of, self._trouble = (driver, driver.starts), None
        return self._session

    def _open(self, driver: "_Driver", pin: str, *, anew: bool) -> Session:
        if not anew:
            try:
                return driver.open(self.label, pin)
            except _PIN_REFUSED:
                raise
            except PKCS11Error as error:
                log.info("key-device.restarts", token=self.label, why=type(error).__name__)
        driver.restart()
        return driver.open(self.label, pin)

    def _pin(self) -> str:
        """A PIN that was refused is not tried again: a device locks itself after a few tries."""
        name = self._settings.pin_name
        pin = self._settings.pin or (self._secrets.get(name) if self._secrets.has(name) else None)
        if not pin:
            said = f"没有密码设备“{self.label}”的 PIN：请写入实例目录的 secrets/{name}。"
            raise Unavailable("key-device-pin", said)
        if pin == self._refused_pin:
            raise self._told(of.PinIncorrect())
        return pin

    def _told(self, error: PKCS11Error) -> Unavailable:
        if type(error) is PKCS11Error and "loading" in str(error):
            return Unavailable("key-device-away", f"无法加载密码设备的驱动 {self._settings.module}。")
        id, said = _SAID.get(type(error), ("key-device-away", f"没有应答（{type(error).__name__}）"))
        return Unavailable(id, f"密码设备“{self.label}”{said}。")


class _Driver:
    """A loaded PKCS#11 module of this process and the one thread that calls it."""

    def __init__(self, path: str, *, inherited: bool) -> None:
        self._path, self._inherited = path, inherited
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._since: float | None = None
        self.starts = 0
        threading.Thread(target=self._serve, name="key-device", daemon=True).start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Whoever asks next waits behind this."""
        future: Future[T] = Future()
        self._asked.put((work, future))
        return future

    def stuck(self) -> bool:
        """Whether a call has not come back for so long that nobody waits for it."""
        since = self._since
        return since is not None and time.monotonic() - since > ANSWER_S

    def open(self, label: str, pin: str) -> Session:
        """A new session; all sessions on one token are logged in together."""
        token = self.token(label)
        try:
            return token.open(user_pin=pin)
        except of.UserAlreadyLoggedIn:
            return token.open()

    def token(self, label: str) -> pkcs11.Token:
        """The one of this name."""
        lib = pkcs11.lib(self._path)
        if self._inherited:  # PKCS#11: a child of a fork starts the driver for itself
            self._inherited = False
            lib.reinitialize()
        return lib.get_token(token_label=label)

    def restart(self) -> None:
        """A driver learns at its start which devices there are. Ends every session of this process."""
        self.starts += 1
        lib = pkcs11.lib(self._path)  # starts it where it was not
        lib.reinitialize()

    def _serve(self) -> None:
        while True:
            work, future = self._asked.get()
            if not future.set_running_or_notify_cancel():
                continue
            self._since = time.monotonic()
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                future.set_exception(error)
            finally:
                self._since = None


_drivers: dict[str, _Driver] = {}
_forked = False
_making = threading.Lock()


def _driver(path: str) -> _Driver:
    with _making:
        if path not in _drivers:
            _drivers[path] = _Driver(path, inherited=_forked)
        return _drivers[path]


def _forget() -> None:
    global _forked, _making
    _drivers.clear()
    _forked, _making = True, threading.Lock()


os.register_at_fork(after_in_child=_forget)
