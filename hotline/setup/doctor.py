"""`hotline doctor`: every part of this installation, what is wrong with it, and how to mend it."""

from collections.abc import Callable, Iterator
from functools import partial

from core.errors import HotlineError
from core.health import Health
from hotline.runtime import Runtime
from hotline.settings import Settings
from hotline.setup import checks_instance as instance
from hotline.setup import checks_machine as machine
from hotline.setup.checks_machine import SETUP

Check = tuple[str, Callable[[], Health]]


def examine(settings: Settings, *, line: bool = False) -> Iterator[Health]:
    """Each part in turn, with `line` also a call to the running line; an unexpected refusal of one is that part's state
    and stops no other."""
    yield from _each(
        [
            ("Python", machine.python),
            ("Python 软件包", machine.python_packages),
            ("系统软件包", machine.system_packages),
            ("Asterisk 程序", machine.asterisk_program),
            ("网页组件", machine.web_assets),
            ("磁盘", partial(machine.disks, settings)),
            ("实时转写", partial(machine.speech, settings.speech)),
        ]
    )
    runtime = Runtime(settings)
    try:
        runtime.open()
    except (HotlineError, OSError, ValueError) as error:
        yield Health("县数据与密钥", False, _sentence(error), "检查设置 core.county 所指的目录和实例目录中的 secrets")
        return
    yield from _each(
        [
            ("语音提示", partial(instance.prompts, runtime)),
            ("证书", partial(instance.certificate_of, runtime)),
            ("录音加密", partial(instance.encryption, runtime)),
            ("端口", partial(instance.ports, runtime)),
            ("数据库", partial(instance.database, runtime)),
            ("短信网关", partial(instance.sms, runtime)),
            ("Asterisk 运行", partial(instance.asterisk_running, runtime)),
            ("服务", partial(instance.service, runtime)),
            *([("线路自检", partial(instance.line, runtime))] if line else []),
        ]
    )


def _each(checks: list[Check]) -> Iterator[Health]:
    for part, check in checks:
        try:
            yield check()
        except (HotlineError, OSError) as error:
            yield Health(part, False, _sentence(error), SETUP)


def _sentence(error: Exception) -> str:
    return error.message if isinstance(error, HotlineError) else str(error)
